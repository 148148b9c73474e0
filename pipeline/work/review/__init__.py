"""Review: what a person has changed after looking at the clips, applied without decoding."""
