"""Row-level security and references of billing's tables; a consumed entry does not change."""

from django.db import migrations

from common.tenancy import guard, refuse, tenant_reference, tenant_table

# While the line belongs to a draft the entry can be released again; the line's own guard keeps it
# from being deleted once the document is issued.
_CONSUMED_ENTRY_IS_FROZEN = f"""
    IF OLD.invoice_line_id IS NULL THEN
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.invoice_line_id IS NULL
       AND to_jsonb(NEW) - 'invoice_line_id'::text = to_jsonb(OLD) - 'invoice_line_id'::text
       AND EXISTS (SELECT 1 FROM invoices_invoiceline line
                   JOIN invoices_invoice invoice ON invoice.id = line.invoice_id
                   WHERE line.id = OLD.invoice_line_id AND invoice.state = 'draft') THEN
        RETURN NEW;
    END IF;
    {refuse("'a billing entry on an invoice line cannot change'")}
    RETURN NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_billing"), ("invoices", "0002_rows_are_guarded")]

    operations = [
        tenant_table("billing_billingentry"),
        tenant_table("billing_billingrunitem"),
        tenant_reference("billing_billingentry", "invoice_line_id", "invoices_invoiceline"),
        guard(
            "billing_billingentry",
            "consumed_stays",
            when="BEFORE UPDATE OR DELETE",
            body=_CONSUMED_ENTRY_IS_FROZEN,
        ),
    ]
