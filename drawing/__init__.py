"""Pictures of a clip: strips, animations and fragments of a notebook, drawn from plain arrays."""
