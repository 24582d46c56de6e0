# Nothing but Python (3.11 or newer) is needed; `make run` and `make test` are the two to know.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-run
TEST_STAMP := $(VENV)/.installed-test
DIR ?= var
DOMAIN ?= demo.example
HOSTNAME ?= mail.demo.example
PORT_OFFSET ?= 20000
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2

.PHONY: help run test test-slow test-all check format bench sample-config clean

help:
	@echo "make run            set up a demo server in $(DIR)/ (once) and start it on high ports"
	@echo "make test           the quick tests"
	@echo "make test-slow      the slow ones: crashes, real clients, the whole corpus, the wheel"
	@echo "make test-all       both"
	@echo "make check          format, lint, types, import contracts"
	@echo "make bench          speed and memory of this machine, side by side with the peers where they are"
	@echo "make sample-config  write etc/mailserverd.toml and docs/configuration.md from the program"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 run")'
	$(PYTHON) -m venv $(VENV)

# The checkout itself goes on the path of the venv, so a change of the source needs no new installation.
$(RUN_STAMP): setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable . --config-settings editable_mode=compat
	@touch $@

$(TEST_STAMP): setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test,check]' --config-settings editable_mode=compat
	@touch $@ $(RUN_STAMP)

run: $(RUN_STAMP)
	@$(BIN)/mailserverd init $(DIR) --domain $(DOMAIN) --hostname $(HOSTNAME) --port-offset $(PORT_OFFSET) --demo
	@exec $(BIN)/twistd -n --pidfile=$(DIR)/twistd.pid mailserverd --config $(DIR)/mailserverd.toml

test: $(TEST_STAMP)
	$(PYTEST) -n $(WORKERS) -m 'not slow'

test-slow: $(TEST_STAMP)
	$(PYTEST) -m slow

test-all: test test-slow

check: $(TEST_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(TEST_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(TEST_STAMP)
	$(BIN)/python -m tests.bench

sample-config: $(RUN_STAMP)
	$(BIN)/mailserverd sample-config > etc/mailserverd.toml
	$(BIN)/mailserverd config-docs > docs/configuration.md

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache
