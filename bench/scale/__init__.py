"""Costs of very many clips: with imitated rows, and of a whole simulated data set."""
