"""People in three dimensions: heads without number, their expressions, and how they are drawn."""
