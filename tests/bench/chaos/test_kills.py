"""A few kills on a small set; `make chaos` has fifty."""

from pathlib import Path

from bench.chaos import kills


def test_killed_at_random_moments_the_same_command_ends_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    """Each of three commands once: a build, a build of one more recording, a synthesis."""
    simulated = ("--subjects", 1, "--actions", 1, "--takes", 3, "--size", 160, "--fps", 12)
    found = kills.measure(tmp_path, 3, seed=3, simulated=simulated)
    assert found.faults == []
    assert len(found.table) == 4
