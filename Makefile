# make demo: environment, phantoms, the whole pipeline, where the report lies.
# make test: environment, lint, types, every test.
# make bench: each benchmark side by side with what it is held against; of FILMS, else of phantoms.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: install demo docs test check quick bench clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

install: $(VENV)/installed

# Displaced fractures of two regions, so that 640 films are enough to learn from, and some defects
# for the audit to find.
DEMO := --films 640 --seed 7 --set films_per_patient=2 --set regions=forearm,leg \
        --set prevalence=0.5 --set displacement=2.5 --set plants.truncated=2 \
        --set plants.copies=6 --set plants.wrong_extension=2

demo: install
	$(BIN)/osteon phantom phantoms/demo $(DEMO)
	OSTEON_CACHE=phantoms/cache $(BIN)/osteon run phantoms/demo --out runs/demo
	@echo "Open runs/demo/report.html in a browser."

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A process a core, one thread each: threads of two processes would wait for one another.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

test: check
	$(PYTEST)

quick: install
	$(PYTEST) -m "not slow"

bench: install
	$(BIN)/python -m benchmarks.data_path $(FILMS) --films 128 --rounds 3
	$(BIN)/python -m benchmarks.feature_speed --films 32 --rounds 3
	$(BIN)/python -m benchmarks.training_probe --rounds 3
	$(BIN)/python -m benchmarks.inference_speed
	$(BIN)/python -m benchmarks.judging_speed --films 2000
	$(BIN)/python -m benchmarks.large_report --films 2000
	$(BIN)/python -m benchmarks.growth --sizes 1000 4000 --audit-up-to 1000
	$(BIN)/python -m benchmarks.tables

clean:
	rm -rf $(VENV) runs phantoms .pytest_cache .mypy_cache .ruff_cache .hypothesis
