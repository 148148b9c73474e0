"""From a folder of recordings to frames: discovery, tables, decoding."""
