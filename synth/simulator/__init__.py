"""Recordings whose onset, apex and offset are known exactly: portraits, animated."""
