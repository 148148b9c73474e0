"""Tests of robustness by random damage: kills, damaged videos, changed bytes, a full disk."""
