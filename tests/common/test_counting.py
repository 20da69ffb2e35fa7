import pytest

from common.counting import counted


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 accounts"), (1, "1 account"), (2000, "2,000 accounts")]
)
def test_things_are_counted_in_words_that_agree(number: int, said: str) -> None:
    assert counted(number, "account") == said


def test_irregular_plural_is_given() -> None:
    assert [counted(n, "run waits", plural="runs wait") for n in (1, 2)] == [
        "1 run waits",
        "2 runs wait",
    ]
