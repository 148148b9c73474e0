"""Who runs the stages: the Dask graph, the worker pool, heartbeats."""
