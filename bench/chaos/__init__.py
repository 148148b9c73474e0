"""What fmdata must survive: kills, damaged videos, changed bytes, a full disk."""
