"""The named points lie where the program has something."""

import functools
import importlib

import pytest

from tests.reliability.points import POINTS


@pytest.mark.parametrize("name", POINTS)
def test_each_target_of_a_named_point_is_a_function_of_the_program(name: str) -> None:
    for target in POINTS[name].targets:
        module, _, path = target.partition(":")
        found = functools.reduce(getattr, path.split("."), importlib.import_module(module))
        assert callable(found)
