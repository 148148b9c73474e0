"""Indexes of files and sessions that need not be read again."""
