"""Places of a dataset whose compounds are made: a folder, or a URL."""
