"""Limit of a recording's length: what is longer is refused, if possible before it is decoded."""

from collections.abc import Iterable, Iterator

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.container.opening import indexed_frames
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.reading.images import image_number


def listed_frames(recording: Recording) -> int:
    """Return the number of frames as the file's index lists them; 0 where it lists none.

    Of a span, whose frames the index does not count, it is 0 as well.

    Raises
    ------
    RecordingError
        As :func:`fmdata.pipeline.reading.decode.decode` does, when the file cannot be opened.
    OSError
        When a folder of images is missing.
    """
    if recording.start_s is not None or recording.stop_s is not None:
        return 0
    if recording.path.is_dir():
        return sum(image_number(path.name) is not None for path in recording.path.iterdir())
    return indexed_frames(recording.path)


def within_length(frames: Iterable[Frame], max_frames: int) -> Iterator[Frame]:
    """Yield frames, and raise RecordingError (``too_large``) after so many."""
    for frame in frames:
        if frame.index >= max_frames:
            raise too_long(max_frames)
        yield frame


def too_long(max_frames: int) -> RecordingError:
    """Return the error for a recording of too many frames."""
    detail = f"more than {max_frames} frames; cut it, name spans of it in a table, or raise "
    return RecordingError("decode", "too_large", detail + "--max-frames")
