"""Animated portraits: recordings whose onset, apex and offset are known exactly."""
