"""Progress on a terminal: a :class:`~fmdata.catalog.progress.Progress` that a person sees."""

import sys
import time
from typing import Any

from fmdata.catalog.printable import printable


class Meter:
    """Shows a job's progress: a live bar on a terminal, a line every few seconds elsewhere.

    Parameters
    ----------
    on_interrupt : str
        The effect of running the same command again after Ctrl-C, for the message about it.
    """

    SECONDS_BETWEEN_LINES = 5.0

    def __init__(self, on_interrupt: str) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar

        self.on_interrupt = on_interrupt
        # The bar has control sequences of its own; the texts in it are made printable.
        plain = getattr(sys.stderr, "stream", sys.stderr)
        console = Console(file=plain, markup=False, highlight=False, soft_wrap=True)
        self._is_live = console.is_terminal
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}  {task.fields[note]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            disable=not self._is_live,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("", total=None, unit="", note="", visible=False)
        self._job = self._unit = self._note = ""
        self._total = self._done = self._done_before = 0
        self._began = self._line_at = time.monotonic()

    def __enter__(self) -> "Meter":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt:
            sys.stderr.write(f"fmdata: stopped; the same command {self.on_interrupt}\n")

    def start(self, job: str, total: int, unit: str, done: int = 0) -> None:
        """Begin a phase of `total` pieces, `done` of which are done already."""
        self._job, self._unit, self._note = job, unit, ""
        self._total, self._done, self._done_before = total, done, done
        self._began = self._line_at = time.monotonic()
        texts: dict[str, Any] = {"description": job, "unit": unit, "note": ""}
        self._bar.reset(self._task, total=total, completed=done, visible=True, **texts)

    def note(self, text: str) -> None:
        """Show `text` beside the count from now on."""
        self._note = printable(text)
        self._bar.update(self._task, note=self._note)

    def step(self, n: int = 1) -> None:
        """Count `n` more pieces."""
        self._done += n
        self._bar.update(self._task, completed=self._done)
        now, is_last = time.monotonic(), self._done == self._total
        if not self._is_live and (is_last or now - self._line_at > self.SECONDS_BETWEEN_LINES):
            self._line_at = now
            sys.stderr.write(self._line(now, is_last) + "\n")

    def _line(self, now: float, is_last: bool) -> str:
        line = f"{self._job}: {self._done}/{self._total} {self._unit}  {self._note}".rstrip()
        done_now = max(self._done - self._done_before, 1)
        left_s = (self._total - self._done) * (now - self._began) / done_now
        return line if is_last else f"{line}  {left_s:.0f} s left"
