"""Heads in three dimensions, seen by the landmark network: `make bench-heads`."""
