"""Builds whose recordings or dataset are at a URL: what a worker fetches, makes and sends."""
