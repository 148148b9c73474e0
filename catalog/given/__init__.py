"""Truth and labels that a table of recordings gives: boundaries of motions, other columns."""
