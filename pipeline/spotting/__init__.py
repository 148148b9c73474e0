"""Spotting: from a track to when the face moves.

The files, in the order in which a track passes them: displacement (the head held still), blinks
(taken out), turns (what follows the head), directions (the way the motion goes), rest and look
(where it is), edge (when it begins), spot (the motion). Where a doubt is left, refine takes a
closer look at the landmarks, and lids, by eye, at what the pictures show of the lids.
"""
