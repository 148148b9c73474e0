"""Pictures in a terminal: as pixels where it can show them, and else as coloured characters."""

import logging
import sys
from collections.abc import Callable

from PIL.Image import Image

from fmdata.catalog.errors import UsageError

_MAX_WIDTH = 1600  # pixels


def show_picture(large: Callable[[int], Image], small: Callable[[int], Image], words: str) -> None:
    """Show a picture on the terminal of standard output.

    The terminal is asked for sixels, then for Kitty's graphics protocol. One with neither gets
    half-block characters in colour, and with ``NO_COLOR`` in shades.

    Parameters
    ----------
    large, small : function
        Return the picture in a width in pixels: with texts, and for characters without.
    words : str
        The texts of the small picture.

    Raises
    ------
    UsageError
        Without a terminal, before anything is written.
    """
    _require_terminal()
    # The library asks the terminal as soon as it is imported; no answer is no error.
    logging.getLogger("textual_image").setLevel(logging.ERROR)
    from rich.console import Console
    from textual_image import renderable
    from textual_image._terminal import get_cell_size

    # A picture has control sequences of its own.
    console = Console(file=getattr(sys.stdout, "stream", sys.stdout), highlight=False)
    kind = renderable.Image
    if kind in (renderable.SixelImage, renderable.TGPImage):
        width = min(_MAX_WIDTH, console.width * get_cell_size().width)
        console.print(kind(large(width)))
        return
    kind = renderable.UnicodeImage if console.no_color else renderable.HalfcellImage
    console.print(kind(small(console.width), width=console.width))
    console.print(words, markup=False)


def _require_terminal() -> None:
    if not (_is_terminal(sys.__stdout__) and _is_terminal(sys.__stdin__)):
        raise UsageError(
            "no terminal to show a picture on",
            wanted="a terminal for input and output, or a file's name",
            where="standard output",
            todo="save the picture: --save clip.png, clip.gif or clip.mp4",
        )


def _is_terminal(stream: object) -> bool:
    return bool(stream) and stream.isatty()  # type: ignore[attr-defined]
