# Two commands set everything up on a fresh machine with Python >= 3.11, git and make: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECKED := cancelall tests benchmarks docs
# The last release of ccxt that has AscendEX; the newest one serves the other venues.
# What failed beside everything else and is marked `alone` is run once more: deadlines in wall time are not for a
# crowded machine. Anything else that fails is a failure of the run.
PYTEST := $(BIN)/python tests/rerun.py
OLD_CCXT := .conformance/ccxt-4.5.63
# Without bytecode each of pytest's processes rewrites all tests before it runs one, which takes longer than many tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test faults soak bench check format docs clean

demo: $(VENV)/.installed  ## the main job on the embedded exchange
	$(BIN)/cancelall demo

test: $(VENV)/.developed $(OLD_CCXT) check  ## lint, types and all tests but the two below
	$(PYTEST) -n 6 --dist worksteal

faults: $(VENV)/.developed  ## what takes minutes: the fault matrix of docs/faults.md, units on a systemd of their own
	$(PYTEST) -m faults -n 6 --dist worksteal
	SOAK=400 $(BIN)/pytest tests/soak/test_schedules.py -n 2 --timeout 600
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest -n 2 tests/test_fuzz.py tests/unit/cli/test_options.py \
		tests/unit/config/test_loader.py tests/unit/journal/test_journal.py

soak: $(VENV)/.developed  ## 10,000 random schedules of faults under virtual time
	SOAK=$${SOAK:-10000} $(BIN)/pytest tests/soak -n 2 --timeout 3600

bench: $(VENV)/.developed  ## time to the first cancel and to the verdict; writes docs/performance.md (QUICK=--quick: few runs, QUICK="--only venues": a part; no page)
	$(BIN)/python -m benchmarks $(QUICK)

check: $(VENV)/.developed  ## lint and types
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy

format: $(VENV)/.developed
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

docs: $(VENV)/.developed  ## regenerate the example config, the README's tables and its picture
	PYTHONPATH=tests:docs $(BIN)/python -m traffic
	$(BIN)/python docs/documents.py
	PYTHONPATH=tests $(BIN)/python -m faults.documents
	PYTHONPATH=tests $(BIN)/python -m screens.documents

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dist build

$(OLD_CCXT): | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@ ccxt==4.5.63

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("cancelall needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.developed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.installed
