"""The engine: worker processes, their heartbeats, and the Dask graph that feeds them."""
