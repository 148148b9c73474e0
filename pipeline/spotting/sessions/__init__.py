"""Spotting of the motions of a long recording, window by window."""
