"""D1 to D2: the compounds of each subject; and, in simulator/, recordings to try it all on."""
