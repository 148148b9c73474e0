"""The tar of a shard: contents of its members, and their copying and hashing in one pass."""
