# Two commands on a fresh machine with python3, python3-venv and make:
#
#     make run     set everything up and open the desk (in the terminal without a display)
#     make test    everything that guards the project, but what takes minutes: make test-all
#
# make docs builds the site in docs/_build/html, make bundle a folder for people without Python in
# dist/mesosynth.
#
# Both install what is missing once and start at once from then on. More words for the program:
# make run ARGS="my.wav --device silent"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
ARGS ?=
KERNELS := $(wildcard mesosynth/*/*_loops.py mesosynth/instruments/*.py mesosynth/effects/*.py \
	mesosynth/engine/*.py)

.PHONY: run test test-all lint docs bundle system-packages-run system-packages-test clean

run: system-packages-run $(VENV)/installed $(VENV)/compiled
	$(BIN)/mesosynth $(ARGS)

test: system-packages-test $(VENV)/installed-dev $(VENV)/compiled
	@$(BIN)/python .ci/run-tests

# All of `make test`, and what takes minutes: a soak, the desk at 150 and 200%, full protocols, the
# tutorials, the pages of CONTRIBUTING.md.
test-all: test $(VENV)/installed-docs
	$(BIN)/pytest --durations=25 tests/long

# pyright runs on the node that its wheel brings; it shall not ask a registry for news.
lint: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

# Tutorials and recipes are executed; the next build executes those that changed.
docs: $(VENV)/installed-docs $(VENV)/compiled
	rm -rf docs/api/generated
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

bundle: $(VENV)/installed-bundle
	rm -rf build/bundle dist/mesosynth
	$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w build/bundle .
	$(BIN)/python -m pip install -q --no-deps --no-index --target build/bundle/wheel build/bundle/*.whl
	$(BIN)/pyinstaller --log-level WARN --noconfirm --distpath dist --workpath build/bundle \
		packaging/mesosynth.spec
	@du -sh dist/mesosynth

system-packages-run system-packages-test: system-packages-%:
	@.ci/system-packages $*

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-docs $(VENV)/installed-bundle: $(VENV)/installed-%: \
		pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) -e '.[$*]'
	@touch $@ $(VENV)/installed

# Sample loops become machine code once, or whenever one was changed, and not while it plays.
$(VENV)/compiled: $(KERNELS) mesosynth/system/kernels.py | $(VENV)/installed
	$(BIN)/python -m mesosynth.system.kernels
	@touch $@

clean:
	rm -rf $(VENV) out build dist docs/_build docs/gallery docs/api/generated .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find mesosynth gui tests -name __pycache__ -type d -prune -exec rm -rf {} +
