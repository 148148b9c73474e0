"""Accuracy of spotted motions and aligned crops: `make bench-fidelity`."""
