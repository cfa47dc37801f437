# The one door: each target makes the virtual environment it needs, with nothing but Python and pip.
#
#   make demo      train on the Palmer penguins, show how well it went, keep the model and pictures
#   make engine    compile the engine anew where its sources have changed; targets that use it do so
#   make test      run the whole suite
#   make check     lint, types, formatting, import contract
#   make mutants   plant faults one by one and show that the suite catches each
#   make drills    strike where it hurts, as docs/promises.md lists: killed saves, bombs, threads,
#                  half-open connections ...; ten minutes, of Linux alone
#   make fuzz      fuzz the readers of model files and tables, ten minutes; it installs atheris
#   make docs      build the documentation, into docs/_build
#   make bench     race against other libraries, in environments that it makes (half an hour);
#                  DATA=FOLDER with adult, letter and mnist .npz adds fits, time to quality, strength
#   make clean     remove what these made

PYTHON ?= python3
VENV   ?= .venv
OUT    ?= demo
BIN    := $(VENV)/bin
COMPILER := $(VENV)/compiler
KERNELS := $(wildcard src/handgrad/engines/compiled/*.py src/handgrad/engines/compiled/*.c)
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Python compiles what it imports; pip would compile everything, for ten seconds.
export PIP_NO_COMPILE = 1

.PHONY: demo engine test check mutants drills fuzz docs bench clean

demo: $(VENV)/.demo
	mkdir -p $(OUT)
	$(BIN)/handgrad fit --test 0.25 --model $(OUT)/penguins.safetensors --report $(OUT)

# Name what the machine lacks and go on; let a failing compilation stop make.
engine: $(VENV)/.test
	@obstacle=$$($(BIN)/python -c "import hatch_build; print(hatch_build.obstacle())") && \
	if test -n "$$obstacle"; then echo "without the compiled engine: $$obstacle"; \
	else $(BIN)/python -m handgrad.engines.compiled.build; fi
	touch $(VENV)/.demo

test: engine
	$(BIN)/python -m pytest -n auto

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

mutants: engine
	$(BIN)/python tests/mutants.py

drills: engine
	$(BIN)/python drills

fuzz: engine $(VENV)/.fuzz
	$(BIN)/python drills/fuzz.py

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -n -b html docs docs/_build
	@echo "open docs/_build/index.html"

bench: engine
	$(BIN)/python benchmarks/race.py
	for name in prediction footprint wide growth guard; do $(BIN)/python benchmarks/$$name.py || exit 1; done
	test -z "$(DATA)" || $(BIN)/python benchmarks/as_a_user.py "$(DATA)"
	test -z "$(DATA)" || $(BIN)/python benchmarks/time_to_quality.py "$(DATA)"
	test -z "$(DATA)" || $(BIN)/python benchmarks/strength.py "$(DATA)"

clean:
	rm -rf $(VENV) $(OUT) docs/_build src/handgrad/engines/compiled/engine-*

# Each stamp stands for an installation, done anew when pyproject.toml changes. The demo's compiles
# the engine meanwhile, with numba in a folder of its own, since handgrad does not need it to run; the
# others leave that to "engine", which has numba at hand.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml $(KERNELS)
	+$(MAKE) --no-print-directory --jobs=2 $(VENV)/.plot $(VENV)/.compiled
	touch $@

$(VENV)/.plot: $(BIN)/python pyproject.toml
	HANDGRAD_ENGINE=0 $(PIP) --editable ".[plot]"
	touch $@

$(VENV)/.compiled: $(BIN)/python pyproject.toml $(KERNELS)
	$(PIP) --target $(COMPILER) --upgrade hatchling
	@needs=$$(PYTHONPATH=$(COMPILER) $(BIN)/python -c "import hatch_build; print(*hatch_build.needs())") && \
	if test -n "$$needs"; then { $(PIP) --target $(COMPILER) --upgrade $$needs && \
	PYTHONPATH=src:$(COMPILER) $(BIN)/python src/handgrad/engines/compiled/build.py; } || \
	echo "handgrad works without its compiled engine, more slowly: compiling it failed"; fi
	touch $@

$(VENV)/.docs: $(BIN)/python pyproject.toml
	HANDGRAD_ENGINE=0 $(PIP) --editable ".[docs]"
	touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	HANDGRAD_ENGINE=0 $(PIP) --editable ".[test]"
	touch $(VENV)/.docs $@

$(VENV)/.check: $(BIN)/python pyproject.toml
	HANDGRAD_ENGINE=0 $(PIP) --editable ".[check]"
	touch $(VENV)/.docs $(VENV)/.test $@

$(VENV)/.fuzz: $(VENV)/.test
	$(PIP) atheris==2.3.0 || \
	    { echo "atheris 2.3.0 is for CPython 3.11 and older, on Linux x86-64; make drills damages files without it"; exit 1; }
	touch $@
