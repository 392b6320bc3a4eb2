# Two commands: `make demo` shows what genmlip finds, `make test` checks that it is right.
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= genmlip-demo
BIN    := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test lint slow clean

demo: $(VENV)/.core
	$(BIN)/genmlip demo --out $(OUT) --force

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS)

slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) -m slow

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "genmlip needs Python 3.11 or newer; say which with: make demo PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.core

clean:
	rm -rf $(VENV) $(OUT) build *.egg-info
