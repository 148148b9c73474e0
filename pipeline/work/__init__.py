"""Units of work, their digests, and the merge of old and new into a dataset."""
