# make run | test | test-slow | test-all | check | bench | sample-config
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DIR ?= var
OFFSET ?= 20000

.PHONY: run test test-slow test-all check format bench sample-config clean

# One stamp for the server alone, one for the tools that tests and checks need.
$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip setuptools wheel
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.tools: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable '.[test,check]'
	touch $@

run: $(VENV)/.installed
	@$(BIN)/mailserverd init $(DIR) --domain demo.example --hostname mail.demo.example --port-offset $(OFFSET) --demo
	@exec $(BIN)/twistd -n --pidfile= mailserverd --config $(DIR)/mailserverd.toml

test: $(VENV)/.tools
	$(BIN)/python -m pytest -n 2 -m "not slow" tests

test-slow: $(VENV)/.tools
	$(BIN)/python -m pytest -m slow tests

test-all: test test-slow

check: $(VENV)/.tools
	$(BIN)/ruff format --check mailserverd tests twisted
	$(BIN)/ruff check mailserverd tests twisted
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.tools
	$(BIN)/ruff format mailserverd tests twisted
	$(BIN)/ruff check --fix mailserverd tests twisted

sample-config: $(VENV)/.installed
	$(BIN)/mailserverd sample-config > etc/mailserverd.toml

clean:
	rm -rf $(VENV) build dist *.egg-info
