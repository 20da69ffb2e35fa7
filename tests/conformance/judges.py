"""The judges from outside: veraPDF and Mustang in one Java process, qpdf, Poppler and ZBar.

Java is built by Maven from pom.xml into var/conformance when either has changed.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lxml import etree

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
_POM = _HERE / "pom.xml"
_SOURCE = _HERE / "java" / "Judge.java"
_BUILT = _ROOT / "var" / "conformance"
_STAMP = _BUILT / "built"

PDF_A, PDF_UA, MUSTANG = "3a", "ua1", "mustang"
_THREADS = "2"
_LINES_QUOTED = 20
# The quick compiler alone: half the processor time for the sample, which ends before the better
# one has paid for itself.
_OPTIONS = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

JAVA = {"javac": "default-jdk-headless", "mvn": "maven"}
PROGRAMS = {
    "qpdf": "qpdf",
    "pdfinfo": "poppler-utils",
    "pdftoppm": "poppler-utils",
    "pdftotext": "poppler-utils",
    "zbarimg": "zbar-tools",
}

# Whatever a reader of amounts on a printed page may use: 150 dots an inch, as a poor scanner has.
_DOTS_AN_INCH = "150"
_OFFLINE = re.compile("Could not (resolve|transfer)|Non-resolvable|offline", re.IGNORECASE)


class JudgesMissing(Exception):
    """Programs are not there, or cannot be fetched; the message says what to do."""


class JudgesBroken(Exception):
    """The judges are there and do not do their work."""


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: bool
    said: tuple[str, ...] = ()


def require_judges() -> None:
    """Raises JudgesMissing."""
    missing = sorted(
        {package for name, package in {**JAVA, **PROGRAMS}.items() if shutil.which(name) is None}
    )
    if missing:
        raise JudgesMissing(f"apt-get install --no-install-recommends {' '.join(missing)}")
    _build()


def versions() -> dict[str, str]:
    """Name and version of each judge."""
    pinned = {
        found.findtext("{*}artifactId"): found.findtext("{*}version")
        for found in etree.parse(_POM).iterfind(".//{*}dependency")
    }
    return {
        "veraPDF": pinned["validation-model-jakarta"],
        "Mustang": pinned["validator"],
        "qpdf": _first_number("qpdf", "--version"),
        "Poppler": _first_number("pdfinfo", "-v"),
        "ZBar": _first_number("zbarimg", "--version"),
    }


def _first_number(*command: str) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
    return found.group() if found else "?"


# --- Java -----------------------------------------------------------------------------------------


def _build() -> None:
    """Raises JudgesMissing where Maven cannot fetch, JudgesBroken where it cannot compile."""
    fingerprint = hashlib.sha256(_POM.read_bytes() + _SOURCE.read_bytes()).hexdigest()
    if _STAMP.exists() and _STAMP.read_text() == fingerprint:
        return
    shutil.rmtree(_BUILT, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(_POM), f"-Doutput={_BUILT}", "process-classes"]
    built = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if built.returncode != 0:
        refusal = JudgesMissing if _OFFLINE.search(built.stdout) else JudgesBroken
        raise refusal(f"Maven could not fetch or build them:\n{built.stdout}")
    _STAMP.write_text(fingerprint)


class JavaJudges:
    """One Java process: it is asked about files while they come and answers when there are no more.

    So reading its answers before the last question would wait for ever.
    """

    def __init__(self, process: "subprocess.Popen[str]", answers: Path, complaints: Path) -> None:
        self._process = process
        self._answers = answers
        self._complaints = complaints
        self._asked: set[tuple[str, str]] = set()

    def ask(self, file: Path, judges: Sequence[str]) -> None:
        """Raises JudgesBroken."""
        assert self._process.stdin is not None
        self._asked |= {(str(file), judge) for judge in judges}
        try:
            self._process.stdin.write(f"{','.join(judges)}\t{file}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._broken(
                f"Java ended with {self._process.wait()} while it was asked"
            ) from None

    def answers(self) -> Mapping[str, Mapping[str, Verdict]]:
        """Verdicts by judge by file. Raises JudgesBroken, also for a question without an answer."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.wait() != 0:
            raise self._broken(f"Java ended with {self._process.returncode}")
        lines = self._answers.read_text().splitlines()
        told = {answer["file"]: _verdicts(answer) for answer in map(json.loads, lines)}
        answered = {(file, judge) for file, by_judge in told.items() for judge in by_judge}
        if answered != self._asked:
            silent = sorted(f"{judge} of {file}" for file, judge in self._asked - answered)
            unasked = sorted(f"{judge} of {file}" for file, judge in answered - self._asked)
            raise self._broken(f"No answer from {silent}; unasked answers from {unasked}")
        return told

    def _broken(self, what: str) -> JudgesBroken:
        said = self._complaints.read_text(errors="replace").splitlines()[-_LINES_QUOTED:]
        return JudgesBroken("\n".join((what, *said)))


def _verdicts(answer: Mapping[str, Mapping[str, Mapping[str, object]]]) -> dict[str, Verdict]:
    return {
        judge: Verdict(verdict["passed"] is True, tuple(_texts(verdict["said"])))
        for judge, verdict in answer["verdicts"].items()
    }


def _texts(said: object) -> Iterator[str]:
    assert isinstance(said, list)
    yield from map(str, said)


@contextmanager
def java_judges() -> Iterator[JavaJudges]:
    with tempfile.TemporaryDirectory() as folder:
        answers, complaints = Path(folder) / "answers", Path(folder) / "complaints"
        with answers.open("w") as to, complaints.open("w") as beside, _java(to, beside) as process:
            try:
                yield JavaJudges(process, answers, complaints)
            finally:
                process.kill()


def _java(answers: IO[str], complaints: IO[str]) -> "subprocess.Popen[str]":
    classes = f"{_BUILT / 'classes'}:{_BUILT / 'jars'}/*"
    return subprocess.Popen(
        ["java", *_OPTIONS, "-cp", classes, "Judge", _THREADS],
        stdin=subprocess.PIPE,
        stdout=answers,
        stderr=complaints,
        text=True,
    )


# --- Programs -------------------------------------------------------------------------------------


def by_qpdf(file: Path) -> Verdict:
    checked = _run("qpdf", "--check", file)
    return Verdict(checked.returncode == 0, tuple(checked.stdout.splitlines()[-3:]))


def by_poppler(file: Path, *, title: str) -> Verdict:
    """Whether it is tagged, has its title, and its tree of tags can be walked to the end."""
    told = _run("pdfinfo", file)
    facts = {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in told.stdout.splitlines())
    }
    tree = _run("pdfinfo", "-struct", file)
    wrong = [
        *([] if facts.get("Tagged") == "yes" else ["not tagged"]),
        *([] if title in facts.get("Title", "") else [f"title is {facts.get('Title')!r}"]),
        *([] if "Document" in tree.stdout and "Table" in tree.stdout else ["no tree of tags"]),
        *(line for line in tree.stdout.splitlines() if "Error" in line),
    ]
    return Verdict(not wrong, tuple(wrong))


def text_by_poppler(file: Path) -> str:
    return _run("pdftotext", "-layout", file, "-").stdout


def codes_in(file: Path) -> list[str]:
    """The text of each QR code on the pages as they are drawn."""
    with tempfile.TemporaryDirectory() as folder:
        _run("pdftoppm", "-gray", "-r", _DOTS_AN_INCH, file, Path(folder) / "page")
        pages = sorted(Path(folder).iterdir())
        # Binary: in text mode ZBar guesses the character set, and takes UTF-8 for Big5.
        options = ("--quiet", "--nodbus", "--raw", "-Sdisable", "-Sqrcode.enable", "-Sbinary")
        found = [
            subprocess.run(["zbarimg", *options, page], capture_output=True, check=False).stdout
            for page in pages
        ]
    return [code.decode() for code in found if code]


def _run(program: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
