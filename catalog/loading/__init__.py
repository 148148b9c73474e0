"""Reading many clips for training: decoded ahead of their use."""
