"""Two kills on a tiny set; `make chaos` has fifty."""

from pathlib import Path

from bench.chaos import kills


def test_killed_at_a_random_moment_the_same_command_ends_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    """A build, and a synthesis into a dataset that has other compounds."""
    simulated = ("--subjects", 1, "--actions", 1, "--takes", 2, "--size", 160, "--fps", 12)
    found = kills.measure(tmp_path, 2, seed=0, simulated=simulated)
    assert found.faults == []
    assert [row[2] for row in found.table] == ["kills", "1", "1"]
