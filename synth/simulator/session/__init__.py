"""Sessions: recordings with many motions, and talk, head turns, glances and blinks between them."""
