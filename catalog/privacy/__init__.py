"""Pseudonyms, forgetting a subject, and the search for what is left of one."""
