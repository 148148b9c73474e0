"""The five papers' own comparisons, run on simulated subjects: ``python -m bench.papers``."""
