"""Parts of a drawn head, each with a finish of its own."""

SKIN, MOUTH, EYE, TEETH, TONGUE, LASH, HAIR, CAP, CLOTH = range(9)
N_PARTS = 9
