# Two commands set everything up on a fresh machine with Python >= 3.11, git and make: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECKED := cancelall tests benchmarks docs
# What failed beside everything else and is marked `alone` is run once more: deadlines in wall time are not for a
# crowded machine. Anything else that fails is a failure of the run.
PYTEST := $(BIN)/python tests/rerun.py
# Clients that nobody here wrote, next to the environment, so that they change nothing in it. Of ccxt the last release
# that has AscendEX; the newest one serves the other venues.
CLIENTS := .conformance/clients
OLD_CCXT := .conformance/ccxt-4.5.63
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PINNED := $(PIP) --no-deps --only-binary :all: --retries 2 --timeout 30
# Without bytecode each of pytest's processes rewrites all tests before it runs one, which takes longer than many tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test faults conformance soak bench check format docs clean

demo: $(VENV)/.installed  ## the main job on the embedded exchange
	$(BIN)/cancelall demo

test: $(VENV)/.developed check  ## lint, types and all tests but the two below
	$(PYTEST) -n 6 --dist worksteal

faults: $(VENV)/.developed  ## what takes minutes: the fault matrix of docs/faults.md, units on a systemd of their own
	$(PYTEST) -m "faults and not conformance" -n 6 --dist worksteal
	SOAK=400 $(BIN)/pytest tests/soak/test_schedules.py -n 2 --timeout 600
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest -n 2 tests/test_fuzz.py tests/unit/cli/test_options.py \
		tests/unit/config/test_loader.py tests/unit/journal/test_journal.py tests/unit/report/test_merge.py
	$(MAKE) --no-print-directory conformance

conformance: $(VENV)/.developed $(CLIENTS)/.installed $(OLD_CCXT)/.installed  ## other people's clients drive the embedded exchange
	CANCELALL_TEST_CLIENTS=1 PYTHONPATH=$(CLIENTS) \
		$(BIN)/pytest -m "conformance and faults" -n 2 tests/simulator tests/unit/venues

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
	rm -rf $(VENV) .conformance .pytest_cache .mypy_cache .ruff_cache dist build

$(CLIENTS)/.installed: tests/conformance.txt | $(VENV)/bin/python
	@$(call installed,$(CLIENTS),--requirement $<) || { $(call missing,the clients of $<); }

$(OLD_CCXT)/.installed: | $(VENV)/bin/python
	@$(call installed,$(OLD_CCXT),ccxt==4.5.63) || { $(call missing,ccxt 4.5.63); }

installed = rm -rf $(1).part && $(PINNED) --target $(1).part $(2) && rm -rf $(1) && mv $(1).part $(1) && touch $@
define missing
echo "make: MISSING: $(1) could not be installed; pip says why above (no package index? no wheel for this Python?)" >&2; \
	echo "make: the tests that other people's clients drive have not run; whatever is printed above them has" >&2; exit 1
endef

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("cancelall needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/.developed: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.installed
