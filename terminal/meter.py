"""Progress on a terminal: a :class:`~fmdata.catalog.progress.Progress` that a person sees."""

import sys
import time
from typing import Any

from fmdata.catalog.printable import printable


class Meter:
    """Shows a job's progress: a live bar on a terminal, a line every few seconds elsewhere.

    Each phase has its name, the pieces done of all, the pieces a second, the job's own note, and
    the time left; at the end, the time taken.
    """

    SECONDS_BETWEEN_LINES = 5.0

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar

        # The bar has control sequences of its own; the texts in it are made printable. Nothing but
        # a terminal gets them, whatever FORCE_COLOR says.
        plain = getattr(sys.stderr, "stream", sys.stderr)
        self._is_live = plain.isatty()
        console = Console(
            file=plain, markup=False, highlight=False, soft_wrap=True, force_terminal=self._is_live
        )
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}  {task.fields[note]}", markup=False),
            TimeRemainingColumn(elapsed_when_finished=True),
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

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

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
        now, is_last = time.monotonic(), self._done == self._total
        note = f"{self._rate(now)}  {self._note}".strip()
        self._bar.update(self._task, completed=self._done, note=note)
        if not self._is_live and (is_last or now - self._line_at > self.SECONDS_BETWEEN_LINES):
            self._line_at = now
            sys.stderr.write(self._line(now, is_last, note) + "\n")

    def _rate(self, now: float) -> str:
        """Return the pieces done a second, once a second is over."""
        elapsed = now - self._began
        return f"{(self._done - self._done_before) / elapsed:.3g}/s" if elapsed >= 1 else ""

    def _line(self, now: float, is_last: bool, note: str) -> str:
        line = f"{self._job}: {self._done}/{self._total} {self._unit}  {note}".rstrip()
        elapsed = now - self._began
        left = (self._total - self._done) * elapsed / max(self._done - self._done_before, 1)
        return f"{line}  in {elapsed:.0f} s" if is_last else f"{line}  {left:.0f} s left"
