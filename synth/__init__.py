"""D1 to D2: the compounds of each subject. In `simulator/`: recordings with known ground truth."""
