"""Files on disk: schemas, shards, the card, locks, atomic writing, unfinished work."""
