"""The comparisons of five papers, run on simulated subjects: ``python -m bench.papers``."""
