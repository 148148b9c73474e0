"""Intervals of motions in long recordings: their tables, MEGC's tables, and their comparison."""
