"""Raw recordings to D1: discover, decode, landmarks, align, spot, LBP, encode, pack."""
