"""What a terminal and a log are told of an import."""

import io
from decimal import Decimal

from django.core.management.base import OutputWrapper

from billing.charges.fields import Phase, Progress, Reason, Refusal
from billing.charges.importing import Outcome
from billing.charges.reporting import TerminalReport, summary


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report_to(out: io.StringIO, err: io.StringIO) -> TerminalReport:
    return TerminalReport(out=OutputWrapper(out), err=OutputWrapper(err))


def test_a_terminal_gets_one_line_that_is_written_over() -> None:
    terminal = Terminal()
    telling = report_to(io.StringIO(), terminal)
    telling.progress(Progress(Phase.READING, 500, 20, bytes_read=25, bytes_total=100))
    telling.progress(Progress(Phase.READING, 1500, 20, bytes_read=75, bytes_total=100))
    first, second, third = terminal.getvalue().split("\r\x1b[2K")
    assert first == ""
    assert second.startswith("[######..................]  25% reading: 500 rows read, 480 good, 20")
    assert third.startswith("[##################......]  75% reading: 1,500 rows read")
    assert "\n" not in terminal.getvalue()


def test_standard_input_has_no_length_and_so_no_bar() -> None:
    terminal = Terminal()
    report_to(io.StringIO(), terminal).progress(Progress(Phase.READING, 500, 0, 25, None))
    assert "[#" not in terminal.getvalue()
    assert "500 rows read" in terminal.getvalue()


def test_a_log_gets_the_phases_and_no_control_codes() -> None:
    log = io.StringIO()
    telling = report_to(io.StringIO(), log)
    telling.progress(Progress(Phase.READING, 500, 0, 25, 100))
    telling.progress(Progress(Phase.CHECKING, 900, 0, 100, 100))
    assert log.getvalue().startswith("checking against accounts and earlier charges: 900 rows")
    assert log.getvalue().count("\n") == 1
    assert "\x1b" not in log.getvalue()


def test_lines_in_a_row_that_say_the_same_are_told_once() -> None:
    out = io.StringIO()
    telling = report_to(out, io.StringIO())
    for line in (4, 5, 6, 8, 9):
        telling.refuse(Refusal(line, Reason.NO_ACCOUNT, "names no account"))
    telling.refuse(Refusal(10, Reason.DATE, "has no date"))
    telling.end(outcome(refused={Reason.NO_ACCOUNT: 5, Reason.DATE: 1}), name="x.csv")
    assert out.getvalue().splitlines()[:3] == [
        "lines 4-6: names no account",
        "lines 8-9: names no account",
        "line 10: has no date",
    ]


def test_the_sum_names_every_currency_and_every_reason() -> None:
    found = list(
        summary(
            outcome(
                rows=1_006,
                taken=900,
                taken_before=100,
                refused={Reason.NO_ACCOUNT: 5, Reason.DATE: 1},
                net={"EUR": Decimal("1234.50"), "JPY": Decimal(98000)},
            ),
            name="x.csv",
        )
    )
    assert found == [
        "x.csv: 1,006 rows",
        "  900 taken, for 3 accounts, 2 of them opened; net of tax EUR 1,234.50; JPY 98,000",
        "  100 were taken before",
        "  6 refused:",
        "    5 name no account",
        "    1 have no usable date",
    ]


def outcome(**given: object) -> Outcome:
    values: dict[str, object] = {
        "is_taken": True,
        "rows": 6,
        "refused": {},
        "taken": 0,
        "taken_before": 0,
        "accounts": 3,
        "opened": 2,
        "net": {},
        "sha256": "",
        **given,
    }
    return Outcome(**values)  # type: ignore[arg-type]
