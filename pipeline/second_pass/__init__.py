"""Spotting again with the pixels: refined landmarks, and eyelids measured in the pictures."""
