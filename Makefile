# Everything a person or the CI runs. `make help` lists it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test test-pipeline test-others lint bench bench-fidelity bench-papers chaos clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP)  ## make .venv with fmdata, all that it needs, and the tools of its developers

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,fan,dev]'
	touch $@

demo: $(STAMP)  ## simulate, build, synthesise and train, in about two minutes (into demo/)
	$(BIN)/fmdata demo

test: $(STAMP)  ## run the tests, in two processes
	$(MAKE) --no-print-directory --output-sync=target -j2 test-pipeline test-others

test-pipeline: $(STAMP)
	$(BIN)/pytest -q tests/pipeline

test-others: $(STAMP)
	$(BIN)/pytest -q --ignore=tests/pipeline

lint: $(STAMP)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)  ## measure frames a second of every stage, and synthesis against a file copy
	$(BIN)/python bench/throughput.py

bench-fidelity: $(STAMP)  ## measure motions and crops against the truth (docs/fidelity.md; half an hour)
	$(BIN)/python -m bench.fidelity

bench-papers: $(STAMP)  ## train the five papers' comparisons (docs/papers.md; 90 minutes)
	$(BIN)/python -m bench.papers

chaos: $(STAMP)  ## kill, damage, fill the disk, and see that nothing is lost (docs/chaos.md; an hour)
	$(BIN)/python -m bench.chaos

clean:  ## remove .venv, caches, and what the demo made
	rm -rf $(VENV) demo build *.egg-info .mypy_cache .pytest_cache .ruff_cache
