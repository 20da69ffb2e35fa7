"""The base of every refusal the program makes on purpose."""


class DomainError(Exception):
    """A refusal whose message a user may read.

    Each refusal is a class of its own below this one, and one place turns them into an answer
    (``portal.errors`` for pages, the command line for management commands). Whoever raises it has
    changed nothing that stays: the surrounding transaction rolls back.
    """
