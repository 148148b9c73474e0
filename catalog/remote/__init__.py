"""Copies of a dataset at a URL: to push and pull, and to withdraw a subject from them.

The layers, each using those before it: copies (the list of known copies), store (files at a URL),
contents (the files of a card), push and pull, withdraw.
"""
