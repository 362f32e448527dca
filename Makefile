# Two commands do all of the set-up and work: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.ready
BENCH := .venv/.ready-bench
TORCH := .venv/.ready-torch
DOCS := .venv/.ready-docs

.PHONY: run test test-long test-components mutations check lint types fast-tests ui bench docs clean

run: $(SETUP)
	$(BIN)/python -m experiments.dqn_cartpole
	@echo "python is $(BIN)/python here; or first: source $(BIN)/activate"

test: $(SETUP)
	$(BIN)/python -m tests

# Servers, clusters, browsers and killed processes. PART=1/2 runs the first half of these tests.
test-long: $(SETUP)
	$(BIN)/python -m tests --long $(if $(PART),--part $(PART))

test-components: $(TORCH)
	$(BIN)/python -m tests --components

mutations: $(SETUP)
	$(BIN)/python -m tests.mutations

check: lint
	$(MAKE) --jobs=2 types fast-tests

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(SETUP)
	$(BIN)/mypy

fast-tests: $(SETUP)
	$(BIN)/python -m tests --fast

ui: $(SETUP)
	$(BIN)/python -m lab ui

# Into docs/_build/html. A warning is an error.
docs: $(DOCS)
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build/html

bench: $(BENCH)
	$(BIN)/python -m benchmarks.dqn_throughput

$(SETUP): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(None if sys.version_info >= (3, 11) else 'expected Python 3.11 or newer, received ' + sys.version.split()[0])"
	@echo "installing into .venv, which takes some minutes the first time"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

$(TORCH): $(SETUP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,torch]'
	touch $@

$(DOCS): $(SETUP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs]'
	touch $@

# torch's CPU build where the package index has one; see CONTRIBUTING.
$(BENCH): $(SETUP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache docs/_build docs/algorithms docs/api docs/experiments docs/learn
