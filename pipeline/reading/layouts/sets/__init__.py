"""One layout a file: the names, tables and frame rate of one data set."""
