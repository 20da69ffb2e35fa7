"""Row-level security, composite references, and the triggers that keep issued documents as they are.

What a reader may rely on afterwards, whatever Python does:

- a document is born a draft, is numbered by its series' next number only, and never changes again
  but for being voided; nor do its lines, tax lines, allowances, recipients and stored files;
- a number that a series gave out is carried by a document when the transaction commits: no gap;
- no row refers to a row of another account.
"""

from django.db import migrations

from common.tenancy import guard, refuse, tenant_reference, tenant_table

_TENANT_TABLES = (
    "invoices_invoice",
    "invoices_invoiceline",
    "invoices_invoiceallowance",
    "invoices_invoicetaxline",
    "invoices_settlement",
    "invoices_document",
    "invoices_delivery",
)
_CONTENT_TABLES = (
    "invoices_invoiceline",
    "invoices_invoiceallowance",
    "invoices_invoicetaxline",
)

# FOR SHARE makes the writer of a line wait for a transaction that is issuing the document, and see
# what it did; a plain read would let a line slip in between.
_ONLY_WHILE_DRAFT = f"""
    IF TG_OP <> 'INSERT' THEN
        SELECT state INTO parent_state FROM invoices_invoice WHERE id = OLD.invoice_id FOR SHARE;
        IF parent_state IS DISTINCT FROM 'draft' THEN
            {refuse("format('%s of an issued document cannot change', TG_TABLE_NAME)")}
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF TG_OP = 'INSERT' OR NEW.invoice_id <> OLD.invoice_id THEN
            SELECT state INTO parent_state FROM invoices_invoice
                WHERE id = NEW.invoice_id FOR SHARE;
            IF parent_state IS DISTINCT FROM 'draft' THEN
                {refuse("format('%s of an issued document cannot change', TG_TABLE_NAME)")}
            END IF;
        END IF;
        RETURN NEW;
    END IF;
    RETURN OLD;
"""

_INVOICE_IS_FROZEN = f"""
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            {refuse("'a document starts as a draft'")}
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'draft' THEN
            {refuse("format('%s is issued and cannot be deleted', OLD.number)")}
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.state = 'draft' AND NEW.state = 'draft' THEN
        RETURN NEW;
    END IF;
    IF OLD.state = 'draft' AND NEW.state = 'issued' THEN
        SELECT * INTO series FROM invoices_numberseries WHERE id = NEW.series_id;
        IF series.seller_id IS DISTINCT FROM NEW.seller_id
           OR series.kind IS DISTINCT FROM NEW.kind
           OR series.last_sequence IS DISTINCT FROM NEW.sequence
           OR series.last_hash IS DISTINCT FROM NEW.content_hash
           OR series.last_issue_date IS DISTINCT FROM NEW.issue_date
           OR NEW.number IS DISTINCT FROM
              series.prefix || lpad(NEW.sequence::text,
                                    greatest(series.digits, length(NEW.sequence::text)), '0') THEN
            {refuse("format('%s is not the next number of its series', NEW.number)")}
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.state = 'issued' AND NEW.state = 'void')
       AND to_jsonb(NEW) - '{{state,voided_at,void_reason}}'::text[]
         = to_jsonb(OLD) - '{{state,voided_at,void_reason}}'::text[] THEN
        RETURN NEW;
    END IF;
    {refuse("format('%s is issued and cannot change', OLD.number)")}
    RETURN NULL;
"""

_SERIES_COUNTS_ON = f"""
    IF TG_OP = 'INSERT' THEN
        IF NEW.last_sequence <> 0 THEN
            {refuse("format('series %s starts before its first number', NEW.prefix)")}
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.last_sequence > 0 THEN
            {refuse("format('series %s has given out numbers', OLD.prefix)")}
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.last_sequence NOT IN (OLD.last_sequence, OLD.last_sequence + 1)
       OR NEW.last_issue_date < OLD.last_issue_date
       OR (OLD.last_issue_date IS NOT NULL AND NEW.last_issue_date IS NULL)
       OR (NEW.last_sequence = OLD.last_sequence
           AND (NEW.last_hash, NEW.last_issue_date)
               IS DISTINCT FROM (OLD.last_hash, OLD.last_issue_date))
       OR (OLD.last_sequence > 0
           AND (NEW.seller_id, NEW.kind, NEW.prefix, NEW.digits)
               IS DISTINCT FROM (OLD.seller_id, OLD.kind, OLD.prefix, OLD.digits)) THEN
        {refuse("format('series %s only counts on by one', OLD.prefix)")}
    END IF;
    RETURN NEW;
"""

_NUMBER_IS_CARRIED = f"""
    IF NEW.last_sequence > 0 AND NOT EXISTS (
        SELECT 1 FROM invoices_invoice
        WHERE series_id = NEW.id AND sequence = NEW.last_sequence
    ) THEN
        {refuse("format('number %s of series %s has no document', NEW.last_sequence, NEW.prefix)")}
    END IF;
    RETURN NULL;
"""

_SETTLEMENT_KEEPS_ITS_TOTAL = f"""
    IF TG_OP = 'DELETE' THEN
        {refuse("'the settlement of an issued document cannot be deleted'")}
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT 1 FROM invoices_invoice WHERE id = NEW.invoice_id
                       AND state = 'issued' AND gross_total = NEW.total) THEN
            {refuse("'a settlement starts with the total of an issued document'")}
        END IF;
    ELSIF (NEW.account_id, NEW.invoice_id, NEW.total)
          IS DISTINCT FROM (OLD.account_id, OLD.invoice_id, OLD.total) THEN
        {refuse("'a settlement keeps its document and total'")}
    END IF;
    RETURN NEW;
"""

_DOCUMENT_KEEPS_ITS_BYTES = f"""
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'pending' THEN
            {refuse("'a document starts before it is rendered'")}
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        {refuse("'a document of an issued invoice cannot be deleted'")}
    END IF;
    IF OLD.state = 'stored' OR (NEW.account_id, NEW.invoice_id, NEW.kind)
                               IS DISTINCT FROM (OLD.account_id, OLD.invoice_id, OLD.kind) THEN
        {refuse("'a stored document cannot change'")}
    END IF;
    RETURN NEW;
"""

# Recipients are frozen at issue; the only change is the email being made for it, once.
_DELIVERY_KEEPS_ITS_RECIPIENT = f"""
    IF TG_OP = 'INSERT' THEN
        SELECT state INTO parent_state FROM invoices_invoice WHERE id = NEW.invoice_id FOR SHARE;
        IF parent_state <> 'draft' THEN
            {refuse("'a recipient of an issued document cannot be added'")}
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        {refuse("'a recipient of an issued document cannot be removed'")}
    END IF;
    IF to_jsonb(NEW) - 'email_id'::text IS DISTINCT FROM to_jsonb(OLD) - 'email_id'::text
       OR OLD.email_id IS NOT NULL THEN
        {refuse("'a recipient of an issued document cannot change'")}
    END IF;
    RETURN NEW;
"""


class Migration(migrations.Migration):
    dependencies = [("invoices", "0001_invoices")]

    operations = [
        *(tenant_table(table) for table in _TENANT_TABLES),
        tenant_reference("invoices_invoice", "preceding_id", "invoices_invoice"),
        *(
            tenant_reference(table, "invoice_id", "invoices_invoice")
            for table in _TENANT_TABLES
            if table != "invoices_invoice"
        ),
        tenant_reference("invoices_invoiceline", "credits_line_id", "invoices_invoiceline"),
        tenant_reference("invoices_invoiceallowance", "line_id", "invoices_invoiceline"),
        tenant_reference("invoices_delivery", "email_id", "mail_outgoingemail"),
        guard(
            "invoices_invoice",
            "stays_as_issued",
            when="BEFORE INSERT OR UPDATE OR DELETE",
            declare="series invoices_numberseries%ROWTYPE;",
            body=_INVOICE_IS_FROZEN,
        ),
        *(
            guard(
                table,
                "stays_as_issued",
                when="BEFORE INSERT OR UPDATE OR DELETE",
                declare="parent_state text;",
                body=_ONLY_WHILE_DRAFT,
            )
            for table in _CONTENT_TABLES
        ),
        guard(
            "invoices_numberseries",
            "counts_on_by_one",
            when="BEFORE INSERT OR UPDATE OR DELETE",
            body=_SERIES_COUNTS_ON,
        ),
        guard(
            "invoices_numberseries",
            "number_is_carried",
            when="AFTER INSERT OR UPDATE",
            body=_NUMBER_IS_CARRIED,
            at_commit=True,
            as_owner=True,
        ),
        guard(
            "invoices_settlement",
            "keeps_its_total",
            when="BEFORE INSERT OR UPDATE OR DELETE",
            body=_SETTLEMENT_KEEPS_ITS_TOTAL,
        ),
        guard(
            "invoices_document",
            "keeps_its_bytes",
            when="BEFORE INSERT OR UPDATE OR DELETE",
            body=_DOCUMENT_KEEPS_ITS_BYTES,
        ),
        guard(
            "invoices_delivery",
            "keeps_its_recipient",
            when="BEFORE INSERT OR UPDATE OR DELETE",
            declare="parent_state text;",
            body=_DELIVERY_KEEPS_ITS_RECIPIENT,
        ),
    ]
