"""Set-based: which staged rows are refused for what only the database knows, and taking the rest.

Every function works on the whole table ``staged`` (see ``staging``) at once, in the caller's
transaction and ``all_accounts_scope``.
"""

# ruff: noqa: S608 - statements are put together from parts written in this file

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from billing.charges.fields import Field, Reason
from billing.charges.layout import AccountsBy
from common.money import exponent

_FETCHED_AT_ONCE = 2000
# Any number that nothing else in this program locks.
_IMPORT_LOCK = 7_214_001

# What an entry takes over from its charge, and what the file calls it.
_ENTRY_COLUMNS = {
    "description": Field.DESCRIPTION,
    "quantity": Field.QUANTITY,
    "unit_price": Field.UNIT_PRICE,
    "price_base_quantity": Field.PRICE_BASE_QUANTITY,
    "currency": Field.CURRENCY,
    "tax_point": Field.DATE,
    "period_start": Field.PERIOD_START,
    "period_end": Field.PERIOD_END,
    "due_on": Field.DUE_ON,
    "product_category": Field.PRODUCT_CATEGORY,
    "seller_id": Field.SELLER,
    "unit_code": Field.UNIT_CODE,
    "item_id": Field.ITEM_ID,
    "order_number": Field.ORDER_NUMBER,
    "source_reference": Field.REFERENCE,
}

# In SQL, of a row with these columns. Another spelling would make old charges look new.
_DEDUP_KEY = """encode(sha256(convert_to(
    CASE WHEN charge_id = '' THEN identity || '|' || number || '|' || place ELSE identity END,
    'UTF8')), 'hex')"""
_IS_FRESH = "entry_id IS NULL AND reason IS NULL"


class AccountToOpen(NamedTuple):
    """An account that the file names and that is not there, as its first good row has it."""

    reference: str
    country: str
    currency: str
    name: str


class Fresh(NamedTuple):
    """The good rows that were not taken before: how many, of how many accounts, and their net.

    The net is by currency; each line is rounded half up on its own, as invoices round it.
    """

    rows: int
    accounts: int
    accounts_to_open: int
    net: dict[str, Decimal]


def take_turn() -> None:
    """Wait until no other import judges or takes rows; held to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_IMPORT_LOCK])


def resolve_accounts(*, by: AccountsBy) -> None:
    """Find the account of every name in the file: table ``named``, one row a name."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.named")
        cursor.execute(
            """
            CREATE TEMPORARY TABLE named ON COMMIT DROP AS
            SELECT names.account AS name,
                   coalesce(referred.id, numbered.id) AS account_id,
                   coalesce(referred.number, numbered.number) AS number,
                   coalesce(referred.id <> numbered.id, false) AS is_ambiguous
            FROM (SELECT DISTINCT account FROM staged WHERE account <> '') names
            LEFT JOIN accounts_account referred
                   ON %(by_reference)s AND referred.external_reference = names.account
            LEFT JOIN accounts_account numbered
                   ON %(by_number)s AND numbered.number = CASE
                       WHEN names.account ~ '^[1-9][0-9]{5,17}$' THEN names.account::bigint END
            """,
            {
                "by_reference": by is not AccountsBy.NUMBER,
                "by_number": by is not AccountsBy.REFERENCE,
            },
        )
        cursor.execute("ANALYZE named")


def refuse_ambiguous_accounts() -> None:
    """Rows that name one account by its number and another by its reference."""
    _refuse(
        Reason.UNKNOWN_ACCOUNT,
        said="'names ' || account || ', which is one account''s number and another''s reference:"
        " say accounts_by in the mapping file'",
        where="account IN (SELECT name FROM named WHERE is_ambiguous)",
    )


def refuse_unknown_accounts() -> None:
    """Rows of accounts that do not exist; this comes before any fault that the row has besides."""
    _refuse(
        Reason.UNKNOWN_ACCOUNT,
        said="'there is no account ' || account",
        where="account IN (SELECT name FROM named WHERE account_id IS NULL)",
    )


def refuse_repeated_charge_ids() -> None:
    """Rows whose charge id stands on an earlier row of the file."""
    _refuse(
        Reason.CHARGE_ID,
        said="'uses the charge id ' || charge_id || ' again, which line ' || first_line || ' has'",
        source="""
            (SELECT line AS repeating_line,
                    min(line) OVER (PARTITION BY seller_id, charge_id) AS first_line
             FROM staged WHERE reason IS NULL AND charge_id <> '') repetition
        """,
        where="line = repeating_line AND first_line < line",
    )


def accounts_to_open() -> Iterator[list[AccountToOpen]]:
    """Names without an account that have a good row, in the file's order, some at a time.

    The first good row that has a country decides it, and the first good row all else. Comes after
    every refusal.
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            """
            SELECT account,
                   (array_agg(country ORDER BY line) FILTER (WHERE country <> ''))[1],
                   (array_agg(currency ORDER BY line))[1],
                   (array_agg(account_name ORDER BY line))[1]
            FROM staged JOIN named ON named.name = staged.account
            WHERE reason IS NULL AND account_id IS NULL
            GROUP BY account
            ORDER BY min(line)
            """
        )
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            yield [AccountToOpen(*row) for row in rows]


def refuse_without_country() -> None:
    """Good rows of an account that cannot be opened, for want of a country in any of them."""
    _refuse(
        Reason.COUNTRY,
        said="CASE WHEN country_said = '' THEN 'names no country, which a new account needs'"
        " ELSE 'the country “' || country_said || '” is not known: write its ISO 3166-1 code, or"
        " name it under [countries] in the mapping file' END",
        where="""reason IS NULL AND account IN (
            SELECT name FROM named JOIN staged others ON others.account = name
            WHERE account_id IS NULL AND others.reason IS NULL
            GROUP BY name HAVING NOT bool_or(others.country <> ''))""",
    )


def number_charges() -> None:
    """Give every good row its place among rows that charge the same, and find it if it was taken.

    Table ``numbered``. The key that is stored with an entry holds the account, what is charged and
    the place: so equal lines of a file are as many charges, and the same file again has the same
    keys. A charge id is a key without them.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE TEMPORARY TABLE numbered ON COMMIT DROP AS
            SELECT counted.*, entry.id AS entry_id
            FROM (SELECT line AS numbered_line, name, account_id, number, charge_id, identity,
                         row_number() OVER (
                             PARTITION BY coalesce(number::text, name), identity ORDER BY line
                         ) AS place
                  FROM staged JOIN named ON name = account
                  WHERE reason IS NULL) counted
            LEFT JOIN billing_billingentry entry ON entry.dedup_key = {_DEDUP_KEY}
            """
        )
        cursor.execute("ANALYZE numbered")


def refuse_changed_charges() -> None:
    """Rows that were taken before and now say something else: a charge is corrected, not edited."""
    differences = ", ".join(
        f"CASE WHEN entry.{column} IS DISTINCT FROM again.{column} THEN '{field}' END"
        for column, field in _ENTRY_COLUMNS.items()
    )
    _refuse(
        Reason.CHANGED,
        said="'was taken before with another ' || difference"
        " || ': charge the difference, with a charge id of its own'",
        source=f"""
            (SELECT numbered_line AS changed_line,
                    concat_ws(', ', CASE WHEN entry.account_id IS DISTINCT FROM numbered.account_id
                        THEN '{Field.ACCOUNT}' END, {differences}) AS difference
             FROM numbered
             JOIN billing_billingentry entry ON entry.id = entry_id
             JOIN staged again ON again.line = numbered_line) changed
        """,
        where="line = changed_line AND difference <> ''",
    )


def sum_up_fresh() -> Fresh:
    """What there is to take, once every refusal is made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT currency FROM staged WHERE reason IS NULL")
        currencies = [currency for (currency,) in cursor.fetchall()]
        cursor.execute(
            f"""
            SELECT count(*), count(DISTINCT coalesce(account_id::text, name)),
                   count(DISTINCT name) FILTER (WHERE account_id IS NULL)
            FROM numbered JOIN staged ON line = numbered_line
            WHERE {_IS_FRESH}
            """
        )
        rows, accounts, to_open = cursor.fetchone()
        cursor.execute(
            f"""
            SELECT currency, sum(round(quantity * unit_price / price_base_quantity, places))
            FROM numbered JOIN staged ON line = numbered_line
            JOIN unnest(%s::text[], %s::int[]) AS money (code, places) ON code = currency
            WHERE {_IS_FRESH}
            GROUP BY currency ORDER BY currency
            """,
            [currencies, [exponent(currency) for currency in currencies]],
        )
        return Fresh(rows, accounts, to_open, dict(cursor.fetchall()))


def take_charges() -> int:
    """Make entries of the fresh rows, in the file's order; how many.

    Raises IntegrityError if one is there meanwhile, which ``take_turn`` keeps from happening.
    """
    columns = ", ".join(_ENTRY_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO billing_billingentry (account_id, {columns}, dedup_key)
            SELECT account_id, {columns}, {_DEDUP_KEY}
            FROM (SELECT staged.*, place, named.account_id, named.number
                  FROM numbered
                  JOIN staged ON line = numbered_line
                  JOIN named ON named.name = account
                  WHERE {_IS_FRESH}) fresh
            ORDER BY line
            """
        )
        return int(cursor.rowcount)


def _refuse(reason: Reason, *, said: str, where: str, source: str = "") -> None:
    """Mark staged rows as refused. ``said``, ``where`` and ``source`` are SQL written above."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE staged SET reason = %s, said = {said}"
            f" {f'FROM {source}' if source else ''} WHERE {where}",
            [reason.value],
        )
