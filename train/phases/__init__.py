"""The phases of a training: their schedules, and their steps over one or several processes."""
