"""The command line. Nothing else prints."""

from fmdata.cli.commands import main

__all__ = ["main"]
