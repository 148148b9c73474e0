"""Sessions on worker processes: `fmdata spot`, and every motion of a build's recordings."""
