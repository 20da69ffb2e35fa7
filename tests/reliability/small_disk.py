"""A file system of a few hundred kilobytes, which nobody but a test knows."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MOUNT = 'mount -t tmpfs -o size="$2"k,mode=700 none "$1" && echo mounted && exec cat'


class NoSmallDisk(Exception):
    """Nobody may mount a file system here; the message holds what was said."""


@dataclass(frozen=True)
class SmallDisk:
    """``folder`` is its root, as every process of this user reaches it."""

    folder: Path

    def fill(self, *, but: int) -> None:
        """Leave ``but`` kilobytes, as other files of the machine would."""
        free = shutil.disk_usage(self.folder).free
        (self.folder / _FILLER).write_bytes(bytes(free - but * 1024))

    def free(self) -> None:
        (self.folder / _FILLER).unlink()


_FILLER = "other files of this machine"


@contextmanager
def small_disk(mount_point: Path, *, kilobytes: int) -> Iterator[SmallDisk]:
    """A disk until the end of the block. Raises NoSmallDisk.

    It is mounted in a namespace of its own, which ends with the process that holds it, so nothing
    of it stays even when a test is killed. Others reach it through that process's view of the file
    system.
    """
    as_root = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    holder = subprocess.Popen(
        ["unshare", "--mount", *as_root, "sh", "-c", _MOUNT, "sh", mount_point, str(kilobytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    try:
        if holder.stdout.readline() != "mounted\n":
            raise NoSmallDisk(holder.communicate()[1].strip())
        yield SmallDisk(Path(f"/proc/{holder.pid}/root{mount_point}"))
    finally:
        # Ends of itself with its input.
        holder.communicate()
