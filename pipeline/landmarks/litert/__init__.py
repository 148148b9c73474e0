"""The networks of MediaPipe's Face Landmarker, run by LiteRT without MediaPipe's graph.

The files in the order of their use: bundle (reads the networks and the canonical face), network
(runs one of them), detector (from a frame to regions of faces), mesh (from a region to its
landmarks), head (the rotation of the head), backend (all of it, as a landmark backend).
"""
