"""From frames and a track to the pixels of a clip: aligned crops, their LBP maps and JPEGs.

The files in the order in which a frame passes them: align (the transforms, and the crop by one of
them), lbp (the LBP map of a crop), difference (of two crops), encode (maps and JPEGs into the files
of a clip).
"""
