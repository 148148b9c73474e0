"""Where everything is printed, and how: nothing that a name holds can play tricks."""

from typing import Any

from rich.console import Console

from fmdata.catalog.printable import shown_lines


class SafeConsole(Console):
    """Prints names of people's own choosing: nothing in them is markup, or obeyed by a terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, soft_wrap=True, markup=False, **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, with all in a text that is not printable, but line breaks, escaped."""
        safe = (shown_lines(one) if isinstance(one, str) else one for one in objects)
        super().print(*safe, **options)


out, err = SafeConsole(), SafeConsole(stderr=True)
