"""Whoever says nothing has not judged."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.judges import MUSTANG, PDF_A, PDF_UA, JavaJudges, JudgesBroken

FILE = Path("/nowhere/INV-1.pdf")


@pytest.fixture
def listener() -> Iterator["subprocess.Popen[str]"]:
    """A program that takes every question and ends well."""
    with subprocess.Popen(
        ["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        yield process


def judges_that_said(
    process: "subprocess.Popen[str]", folder: Path, *, answers: str, complaints: str = ""
) -> JavaJudges:
    (folder / "answers").write_text(answers)
    (folder / "complaints").write_text(complaints)
    return JavaJudges(process, folder / "answers", folder / "complaints")


def test_each_question_has_its_answer(listener: "subprocess.Popen[str]", tmp_path: Path) -> None:
    said = '{"file": "/nowhere/INV-1.pdf", "verdicts": {"3a": {"passed": true, "said": []}}}\n'
    judges = judges_that_said(listener, tmp_path, answers=said)
    judges.ask(FILE, (PDF_A,))
    assert judges.answers()[str(FILE)][PDF_A].passed


def test_a_judge_that_says_nothing_of_a_file_is_missed(
    listener: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    said = '{"file": "/nowhere/INV-1.pdf", "verdicts": {"3a": {"passed": true, "said": []}}}\n'
    judges = judges_that_said(listener, tmp_path, answers=said)
    judges.ask(FILE, (PDF_A, PDF_UA))
    with pytest.raises(JudgesBroken, match=f"No answer from .*ua1 of {FILE}"):
        judges.answers()


def test_a_file_without_any_answer_is_missed_and_java_is_quoted(
    listener: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    complaint = "java.lang.OutOfMemoryError: Java heap space\n"
    judges = judges_that_said(listener, tmp_path, answers="", complaints=complaint)
    judges.ask(FILE, (MUSTANG,))
    with pytest.raises(JudgesBroken, match=r"(?s)mustang of .*OutOfMemoryError"):
        judges.answers()
