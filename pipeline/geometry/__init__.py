"""Point sets, similarity transforms, head pose, time series, arrays in blocks."""
