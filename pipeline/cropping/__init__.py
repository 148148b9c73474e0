"""From frames and a track to aligned crops, LBP maps and JPEGs."""
