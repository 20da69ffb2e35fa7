"""A charge is freed from a draft's line, as before, and from a void document's.

The guard's function is replaced and its trigger stays, so the table is locked for nobody.
"""

from django.db import migrations
from django.db.migrations import RunSQL

from common.tenancy import refuse


def _consumed_stays(*freed_from: str) -> str:
    states = ", ".join(f"'{state}'" for state in freed_from)
    return f"""
CREATE OR REPLACE FUNCTION billing_billingentry_consumed_stays() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = public, pg_temp AS $guard$ BEGIN
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
                   WHERE line.id = OLD.invoice_line_id AND invoice.state IN ({states})) THEN
        RETURN NEW;
    END IF;
    {refuse("'a billing entry on an invoice line cannot change'")}
    RETURN NULL;
END $guard$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_parked_accounts_are_found"),
        ("invoices", "0002_rows_are_guarded"),
    ]

    operations = [RunSQL([_consumed_stays("draft", "void")], [_consumed_stays("draft")])]
