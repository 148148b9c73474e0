"""The engine: worker processes, their heartbeats, the crews that use them, and Dask."""
