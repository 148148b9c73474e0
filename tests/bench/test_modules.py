"""Every benchmark can be imported: nothing else runs some of them."""

import importlib
import pkgutil

import pytest

import bench

MODULES = [found.name for found in pkgutil.walk_packages(bench.__path__, "bench.")]


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_finds_what_it_imports(name: str) -> None:
    importlib.import_module(name)
