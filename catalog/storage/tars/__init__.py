"""The tar of a shard: its members, and their copying and hashing in one pass."""
