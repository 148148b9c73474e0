"""From frames to a track: the landmarks of one person's face in every frame.

The files in the order of their use: face (the contract of a backend), backends (opens one by
name), mediapipe, litert and fan (the backends), native (silences their libraries), weights (finds
and verifies their model files), person (picks the same person in every frame), track (all of it,
over the frames of a recording).
"""
