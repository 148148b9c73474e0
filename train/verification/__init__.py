"""Verification of a person by a facial motion: comparisons, error rates, thresholds, embedder."""
