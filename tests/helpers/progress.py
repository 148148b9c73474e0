"""Progress that records its calls, and progress that interrupts a build."""


class RecordedProgress:
    """A :class:`fmdata.catalog.progress.Progress` for assertions.

    Attributes
    ----------
    phases : list of (str, int, str)
        Job, total and unit of every phase.
    done_before : list of int
        Pieces of every phase that were done at its start.
    done : int
        Pieces done in the last phase, including those done before it.
    notes : list of str
        Every note.
    """

    def __init__(self) -> None:
        self.phases: list[tuple[str, int, str]] = []
        self.done_before: list[int] = []
        self.done = 0
        self.notes: list[str] = []

    def start(self, job: str, total: int, unit: str, done: int = 0) -> None:
        """Record a phase."""
        self.phases.append((job, total, unit))
        self.done_before.append(done)
        self.done = done

    def step(self, n: int = 1) -> None:
        """Count `n` more pieces."""
        self.done += n

    def note(self, text: str) -> None:
        """Record a note."""
        self.notes.append(text)


class BuildProgress(RecordedProgress):
    """The progress of a build: a phase in which recordings are read, then one of processing."""

    @property
    def reused(self) -> int:
        """Recordings whose work was done before."""
        return self.done_before[1]

    @property
    def processed(self) -> int:
        """Recordings processed so far."""
        return self.done - self.reused if len(self.phases) == 2 else 0

    def step(self, n: int = 1) -> None:
        """Count `n` more pieces."""
        super().step(n)
        if self.processed:
            self.on_processed()

    def on_processed(self) -> None:
        """Do nothing; called after each recording that was processed."""


class InterruptedBuild(BuildProgress):
    """Raises KeyboardInterrupt, as Ctrl-C does, after so many recordings were processed."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def on_processed(self) -> None:
        """Interrupt the build."""
        if self.processed == self.after:
            raise KeyboardInterrupt
