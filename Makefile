# Every target makes the virtual environment it needs; `make help` lists them.
# Only Python (3.11 or newer) and make have to be there: `make test PYTHON=python3.12`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DOCS := $(VENV)/.installed-docs
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# threads that wait give their core away: with another program on it a page took 20 s, so it takes 5
SPHINX := OMP_WAIT_POLICY=passive $(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html
LINKS := $(BIN)/python docs/_links.py docs/_build/html
INSTALLED_MPI := $(VENV)/.installed-mpi
VENV_DEVITO := .venv-devito
INSTALLED_DEVITO := $(VENV_DEVITO)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all test-mpi test-devito lint types docs docs-fast bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(INSTALLED)  ## shot gathers to velocity models, three ways, into demo/
	$(BIN)/pylops-vmb demo

test: $(INSTALLED)  ## the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow"

test-all: $(INSTALLED)  ## all tests
	$(BIN)/python -m pytest

test-mpi: $(INSTALLED_MPI)  ## shots over two and over four processes
	VMB_MPI=1 $(BIN)/python -m pytest tests/mpi

test-devito: $(INSTALLED_DEVITO)  ## PyLops' propagator beside ours, in an environment of its own
	DEVITO_LANGUAGE=openmp DEVITO_LOGGING=ERROR $(VENV_DEVITO)/bin/python -m pytest \
	    -m devito --log-cli-level=INFO tests/modelling/test_peer_devito.py

lint: $(INSTALLED)  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)  ## mypy, strict
	$(BIN)/mypy

docs: $(INSTALLED_DOCS)  ## the documentation into docs/_build/html, every page of the gallery run
	VMB_GALLERY=all $(SPHINX)
	$(LINKS)

docs-fast: $(INSTALLED_DOCS)  ## the same, of the gallery only the examples run
	VMB_GALLERY=fast $(SPHINX)
	$(LINKS)

bench: $(INSTALLED) $(INSTALLED_DEVITO) $(INSTALLED_MPI)  ## speed and memory beside the peers, an hour: docs/peers.rst
	$(BIN)/python -m tests.benchmarks peers --json docs/tables/peers.json --page docs/peers.rst

clean:  ## remove what the other targets made, the environment included
	rm -rf $(VENV) $(VENV_DEVITO) build dist demo docs/_build docs/api docs/gallery
	rm -rf .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python $(VENV_DEVITO)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, got " + sys.version.split()[0] + ". Name one: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(@:/bin/python=)

$(INSTALLED): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) -e '.[test]'
	@touch $@

$(INSTALLED_DOCS): $(INSTALLED)
	$(PIP_INSTALL) -e '.[docs]'
	@touch $@

# MPICH is for machines without an MPI of their own, hence not part of the extra
$(INSTALLED_MPI): $(INSTALLED)
	$(PIP_INSTALL) -e '.[mpi]' mpich
	@touch $@

# Devito holds back these two
$(INSTALLED_DEVITO): pyproject.toml constraints.txt | $(VENV_DEVITO)/bin/python
	grep -vE '^(numpy|packaging)==' constraints.txt > $(VENV_DEVITO)/constraints.txt
	$(VENV_DEVITO)/bin/python -m pip install --quiet --disable-pip-version-check \
	    -c $(VENV_DEVITO)/constraints.txt -e '.[devito]'
	@touch $@
