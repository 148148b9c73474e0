"""Timing of a simulated recording: the course of its motion, and of what else moves."""
