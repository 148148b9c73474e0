"""Clips read for training from shards, by processes of torch's DataLoader."""
