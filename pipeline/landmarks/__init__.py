"""From frames to a track: the landmark backends and the person to follow."""
