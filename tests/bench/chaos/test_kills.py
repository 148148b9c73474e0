"""Two kills on a tiny set; `make chaos` makes fifty."""

from pathlib import Path

import pytest

from bench.chaos import kills

pytestmark = pytest.mark.slow


@pytest.mark.long
def test_a_command_killed_at_random_and_run_again_gives_the_same_bytes(
    tmp_path: Path,
) -> None:
    """One kill of a build, one of a synthesis that replaces other compounds."""
    simulated = ("--subjects", 1, "--actions", 1, "--takes", 2, "--size", 160, "--fps", 12)
    report = kills.measure(tmp_path, 2, seed=0, simulated=simulated)
    assert report.failures == []
    assert [row[2] for row in report.table] == ["kills", "1", "1"]
