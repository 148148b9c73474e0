"""D1 to D2: the compounds of each subject; and the simulator of recordings."""
