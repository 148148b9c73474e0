"""The terminal of the command line; the one package that knows rich."""
