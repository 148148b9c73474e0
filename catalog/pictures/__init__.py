"""Clips and datasets as they are drawn, and as a notebook shows them."""
