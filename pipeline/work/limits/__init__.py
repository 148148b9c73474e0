"""Limits of a build: of clips, of the room on the disk, and of what may be deleted."""
