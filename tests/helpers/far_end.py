"""A store in memory, under ``far://``, whose requests fail, are killed, or are looked at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


class Killed(BaseException):
    """The process ends here; no handler of errors sees it."""


class FarEnd(MemoryFileSystem):
    """Counts its requests, each of which may fail.

    An upload that fails has written half of its file under the final name.
    """

    protocol = "far"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    requests = 0
    fails: Callable[[int], BaseException | None] = staticmethod(lambda number: None)
    after: Callable[[], None] = staticmethod(lambda: None)

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return MemoryFileSystem._strip_protocol(str(path).removeprefix("far://"))

    @classmethod
    def reset(cls) -> None:
        """Empty the store, which then works."""
        cls.store.clear()
        cls.works()

    @classmethod
    def works(cls) -> None:
        """Let every request succeed, and count from 0."""
        cls.requests = 0
        cls.fails, cls.after = staticmethod(lambda number: None), staticmethod(lambda: None)

    @classmethod
    def files(cls, below: str) -> dict[str, bytes]:
        """Return the content of every file below a folder, by its path in the folder."""
        start = f"/{below}/"
        return {
            path.removeprefix(start): file.getvalue()
            for path, file in cls.store.items()
            if path.startswith(start)
        }

    def put_file(self, lpath: Any, rpath: Any, *arguments: Any, **options: Any) -> None:
        data = Path(lpath).read_bytes()
        if error := self._error():
            MemoryFileSystem.pipe_file(self, rpath, data[: len(data) // 2])
            raise error
        MemoryFileSystem.pipe_file(self, rpath, data)
        type(self).after()

    def _error(self) -> BaseException | None:
        type(self).requests += 1
        return type(self).fails(self.requests)


def _request(name: str) -> Callable[..., Any]:
    done = getattr(MemoryFileSystem, name)

    def request(self: FarEnd, *arguments: Any, **options: Any) -> Any:
        if error := self._error():
            raise error
        result = done(self, *arguments, **options)
        type(self).after()
        return result

    return request


for _name in ("find", "info", "cat_file", "pipe_file", "cp_file", "rm_file"):
    setattr(FarEnd, _name, _request(_name))
fsspec.register_implementation("far", FarEnd, clobber=True)
