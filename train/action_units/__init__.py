"""Facial action units: stand-in labels, attention maps, relations, frames."""
