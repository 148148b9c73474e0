"""Second pass: spotting again with refined landmarks, and with eyelids measured in the pixels.

redetect (test-time augmentation of the landmarks), eyes and registration (motion of the eyelids),
respot (the decision).
"""
