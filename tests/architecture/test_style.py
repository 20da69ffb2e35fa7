"""The rules of the code that a program can check and ruff does not. A failure names the places."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FUNCTION = 60
LONGEST_FILE = 400
BUCKETS = {"services.py", "utils.py", "helpers.py", "managers.py", "signals.py", "receivers.py"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _program_files() -> Iterator[Path]:
    for package in ROOT.glob("[a-z]*/__init__.py"):
        if package.parent.name != "tests":
            yield from package.parent.rglob("*.py")
    for folder in ("scripts", "benchmarks"):
        yield from (ROOT / folder).glob("*.py")


# A generated migration lists what a model lists; nobody reads it from top to bottom.
FILES = sorted({file for file in _program_files() if "migrations" not in file.parts})


def _offenders(rule: Callable[[Path], Iterator[str]]) -> list[str]:
    return [f"{file.relative_to(ROOT)}: {found}" for file in FILES for found in rule(file)]


def _nodes(file: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(file.read_text()))


def test_there_is_a_program_to_check() -> None:
    assert len(FILES) > 30


def test_no_file_is_too_long() -> None:
    def rule(file: Path) -> Iterator[str]:
        if (length := len(file.read_text().splitlines())) > LONGEST_FILE:
            yield f"{length} lines"

    assert not _offenders(rule)


def test_every_function_fits_on_a_screen() -> None:
    def rule(file: Path) -> Iterator[str]:
        for node in _nodes(file):
            if isinstance(node, Function):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    yield f"{node.name} has {length} lines"

    assert not _offenders(rule)


def test_imports_stand_at_the_top() -> None:
    def rule(file: Path) -> Iterator[str]:
        for function in _nodes(file):
            if isinstance(function, Function):
                for node in ast.walk(function):
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        yield f"{function.name} imports at line {node.lineno}"

    assert not _offenders(rule)


def test_no_model_overrides_save_or_delete() -> None:
    def rule(file: Path) -> Iterator[str]:
        if "models" not in (file.stem, file.parent.name):
            return
        for definition in _nodes(file):
            if isinstance(definition, ast.ClassDef):
                for node in definition.body:
                    if isinstance(node, Function) and node.name in {"save", "delete", "clean"}:
                        yield f"{definition.name}.{node.name}"

    assert not _offenders(rule)


def test_nothing_listens_to_django_signals() -> None:
    def rule(file: Path) -> Iterator[str]:
        for module in ("django.dispatch", "django.db.models.signals", "django.core.signals"):
            if module in file.read_text():
                yield module

    assert not _offenders(rule)


def test_files_are_named_by_their_work() -> None:
    assert not [file for file in FILES if file.name in BUCKETS]


def test_annotations_are_evaluated_as_written() -> None:
    assert not [file for file in FILES if "from __future__" in file.read_text()]


def test_nothing_is_left_for_later() -> None:
    def rule(file: Path) -> Iterator[str]:
        for mark in ("TODO", "FIXME", "XXX", "NotImplementedError"):
            if mark in file.read_text():
                yield mark

    assert not _offenders(rule)
