"""Checks of a dataset against its card: files, rows, segments, frames."""
