# make demo: environment, phantoms, the whole pipeline, where the report lies.
# make test: environment, lint, types, every test.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: install demo test check quick clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

install: $(VENV)/installed

demo: install
	$(BIN)/osteon phantom phantoms/demo --films 360 --seed 7
	$(BIN)/osteon run phantoms/demo --out runs/demo --again

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check
	$(BIN)/pytest

quick: install
	$(BIN)/pytest -m "not slow"

clean:
	rm -rf $(VENV) runs phantoms .pytest_cache .mypy_cache .ruff_cache .hypothesis
