"""Looks: skin, hair, clothes, light and background."""
