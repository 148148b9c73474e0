"""How far a job has come, for people who wait for it."""

import time
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fmdata.cli.console import err


class Meter:
    """Shows how far a job has come: a live bar on a terminal, a line now and then elsewhere."""

    SECONDS_BETWEEN_LINES = 5.0

    def __init__(self, what: str, unit: str, after_stop: str = "starts anew") -> None:
        self.what, self.unit, self.after_stop = what, unit, after_stop
        self.total = self.done = self.done_before = 0
        self.note = ""
        self.began = self.line_at = time.monotonic()
        self.bar = Progress(
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(f"{unit}  {{task.fields[note]}}"),
            TimeRemainingColumn(),
            console=err,
            disable=not err.is_terminal,
        )
        self.task = self.bar.add_task(what, total=None, note="")

    def __enter__(self) -> "Meter":
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.bar.stop()
        if kind is KeyboardInterrupt:
            err.print(f"fmdata: stopped; the same command {self.after_stop}")

    @property
    def seconds(self) -> float:
        """Time since the job began."""
        return time.monotonic() - self.began

    def start(self, total: int, done: int = 0) -> None:
        """Take up a job of `total` pieces, `done` of them done already."""
        self.total = total
        self.done = self.done_before = done
        self.began = self.line_at = time.monotonic()
        self.bar.reset(self.task, total=total, completed=done, note="")

    def to(self, done: int, note: str = "") -> None:
        """Show that `done` pieces are done."""
        self.done, self.note = done, note
        self.bar.update(self.task, completed=done, note=note)
        now = time.monotonic()
        last = done == self.total
        if not err.is_terminal and (last or now - self.line_at > self.SECONDS_BETWEEN_LINES):
            self.line_at = now
            left = (self.total - done) * self.seconds / max(done - self.done_before, 1)
            line = f"{self.what}: {done}/{self.total} {self.unit}  {note}".rstrip()
            err.print(line if last else f"{line}  {left:.0f} s left")


class BuildMeter:
    """Tells a build's progress: recordings done, frames a second, time left, dropped so far."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.frames = self.dropped = 0

    def read(self, done: int, recordings: int) -> None:
        """Count what has been read to see which recordings need work; its end is no news."""
        if done == 0:
            self.meter.start(recordings)
        elif done < recordings:
            self.meter.to(done, "read")

    def started(self, recordings: int, done: int) -> None:
        """Begin."""
        self.meter.start(recordings, done)

    def outcome(self, outcome: Any) -> None:
        """Count one more recording."""
        self.frames += outcome.n_frames
        self.dropped += outcome.dropped is not None
        rate = self.frames / max(self.meter.seconds, 1e-9)
        self.meter.to(self.meter.done + 1, f"{rate:.0f} frames/s  {self.dropped} dropped")
