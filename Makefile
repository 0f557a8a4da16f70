# make demo    the whole of batchkit in a minute, without an AWS account
# make test    installs, and runs every check and test, on all processors
# make unit    the tests that need no stack, in less than a minute
# make coverage    the tests, and which branches they leave out
# make bench   measures: provisioning, the loader, the import
# make docs    writes the documentation to docs/_build/html
# make up run logs down    the sample job on a real account; AWS_PROFILE and AWS_REGION say which

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONFIG ?= job_image/batchkit.toml
SOURCES := setup.cfg pyproject.toml
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo test unit check coverage bench docs up plan run logs down clean

help:
	@sed -n 's/^# //p' Makefile

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.local: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e ".[local]"
	@touch $@

$(VENV)/.test: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e ".[test]"
	@touch $@ $(VENV)/.local

demo: $(VENV)/.local
	$(BIN)/batchkit demo

check: $(VENV)/.test
	$(BIN)/python -m flake8 batchkit tests job_image docs
	$(BIN)/python -m mypy

test: check
	$(PYTEST)

unit: $(VENV)/.test
	$(PYTEST) -m "not slow" tests/unit tests/job_image

coverage: check
	$(PYTEST) --cov --cov-report=term

bench: $(VENV)/.test
	$(BIN)/python -m pip install --quiet -r tests/bench/requirements.txt
	$(BIN)/python -m tests.bench

docs: $(VENV)/.test
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

up plan run logs down: $(VENV)/.local
	$(BIN)/batchkit --config $(CONFIG) $@

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* htmlcov .pytest_cache .mypy_cache .hypothesis
