"""The environment as settings read it: every variable may be given by a file instead.

``NAME_FILE`` is the path of a file with the value of ``NAME``. Container engines and supervisors
hand secrets over as files, which neither a list of processes nor a crash report shows.
"""

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


class Environment(environ.Env):  # type: ignore[misc]  # django-environ has no types
    """django-environ's reader, in which a value is what it says and may come from a file.

    The original takes a value that starts with ``$`` for the name of another variable: a password
    may start so. An empty value counts as not set.
    """

    def get_value(
        self,
        var: str,
        cast: Any = None,
        default: Any = environ.Env.NOTSET,
        parse_default: bool = False,
    ) -> Any:
        """Raises ImproperlyConfigured, and never shows a value in it."""
        value = _given(var)
        if value:
            return self.parse_value(value, cast)
        if default is self.NOTSET:
            raise ImproperlyConfigured(f"Set {var} or {var}_FILE.")
        return self.parse_value(default, cast) if parse_default else default


def _given(name: str) -> str:
    """What ``name`` or the file of ``name_FILE`` says; empty where neither does."""
    value, path = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if not path:
        return value
    if value:
        # Whichever won, somebody would change the other one and wonder.
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    try:
        # Editors and `echo` end a file with a line end that is no part of the secret.
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ImproperlyConfigured(f"{name}_FILE names {path}: {reason}.") from None
