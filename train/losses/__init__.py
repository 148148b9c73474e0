"""The losses of the papers, one function an equation."""
