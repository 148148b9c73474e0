"""Spotting: pure functions that find the facial motion of a clip from its track.

In the order of a track's way through them: displacement (head held still), blinks (removed),
head_rotation (artefacts removed), directions (of the motion), rest and phases (frames at rest and
frames of the motion), edges (onset, apex, offset), spot (all of it). lid_motion holds eyelid motion
as :mod:`fmdata.pipeline.second_pass` measures it in the pixels.
"""
