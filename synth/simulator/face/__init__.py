"""Face of a simulated subject: a portrait, and what can move in it."""
