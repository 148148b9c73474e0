"""Views: random variations of clips and of faces, as pure functions of a generator."""
