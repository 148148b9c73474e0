"""Spotting: pure functions that find the facial motions of a clip from its track.

In the order of a track's way through them: signal (head held still, with the expression scores;
eyelids and head_rotation), nuisances (blinks and head rotation, removed), directions (of the
motion), rest and phases (frames at rest and frames of the motion), edges and timing (onset, apex,
offset), spot (all of it).
"""
