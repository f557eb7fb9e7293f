"""A folder that no path leads out of.

A path is walked name by name: each folder is opened below the one before, by its descriptor and without following a
link. Comparing resolved paths would not do: between the look and the use somebody may put a link in the way.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager

MAX_BYTES = 1024 * 1024


class FolderError(Exception):
    """Says, in words for the caller, why a path was refused."""


class ConfinedFolder:
    def __init__(self, path: str) -> None:
        self._top = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def read(self, path: str) -> str:
        with self._parent(path) as (parent, name):
            # Without O_NONBLOCK, opening a pipe would wait for somebody to write into it.
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
            try:
                _require_file(os.fstat(descriptor).st_mode)
                with open(descriptor, "rb", closefd=False) as file:
                    content = file.read(MAX_BYTES + 1)
            finally:
                os.close(descriptor)
        if len(content) > MAX_BYTES:
            raise FolderError(f"The file has more than {MAX_BYTES} bytes.")
        return content.decode("utf-8", errors="replace")

    def write(self, path: str, content: str) -> None:
        """Whole or not at all: readers see the old text until the new one is complete."""
        data = content.encode("utf-8", errors="replace")
        if len(data) > MAX_BYTES:
            raise FolderError(f"Write at most {MAX_BYTES} bytes.")
        with self._parent(path) as (parent, name):
            mode = _mode_of(name, parent)
            unfinished = f".{secrets.token_hex(16)}.unfinished"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(unfinished, flags, mode, dir_fd=parent)
            try:
                with open(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(descriptor)
                # A link that has come there meanwhile is replaced, not followed.
                os.replace(unfinished, name, src_dir_fd=parent, dst_dir_fd=parent)
            except BaseException:
                os.unlink(unfinished, dir_fd=parent)
                raise

    def entries(self, path: str) -> list[str]:
        with self._folder(_names_of(path)) as folder, os.scandir(folder) as found:
            return sorted(f"{each.name}/" if each.is_dir(follow_symlinks=False) else each.name for each in found)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        *folders, name = _names_of(path) or [""]
        if name == "":
            raise FolderError("The path names the folder itself.")
        with self._folder(folders) as parent:
            yield parent, name

    @contextmanager
    def _folder(self, names: list[str]) -> Iterator[int]:
        folder = self._top
        try:
            for name in names:
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                if folder != self._top:
                    os.close(folder)
                folder = inner
            yield folder
        except OSError as error:
            raise _explain(error) from None
        finally:
            if folder != self._top:
                os.close(folder)


def _names_of(path: str) -> list[str]:
    names = [name for name in path.split("/") if name != "."]
    if any(name in ("", "..") or "\0" in name for name in names):
        raise FolderError('Write the path from the top of the folder, without "..": "plans/summer.md".')
    return names


def _mode_of(name: str, parent: int) -> int:
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0o644
    _require_file(mode)
    return stat.S_IMODE(mode)


def _require_file(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise FolderError("That is not a file.")


def _explain(error: OSError) -> Exception:
    """The system's own words are for the operator."""
    return FolderError(_WORDS[error.errno]) if error.errno in _WORDS else error


_WORDS = {
    errno.ENOENT: "There is nothing of that name.",
    errno.ENOTDIR: "The path leads through a link or a file.",
    errno.ELOOP: "The path leads through a link or a file.",
    errno.ENXIO: "That is not a file.",
    errno.EACCES: "The server may not do that.",
    errno.EPERM: "The server may not do that.",
    errno.ENAMETOOLONG: "The path is too long.",
}
