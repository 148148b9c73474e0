"""Pictures of meshes: a z-buffer and light, compiled by numba."""
