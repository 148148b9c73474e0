"""The goals of speed, each measured beside what it is compared with; writes docs/performance.md."""
