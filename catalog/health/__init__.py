"""The health of a dataset: whatever is odd about it, worst first, from its tables alone."""
