"""Tools and processors that make a dataset, and can change its bytes."""
