# Everything is set up on first use: `make demo` and `make check` work from a fresh clone.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
JOBS   ?= 2
PYTEST = $(BIN)/python -m pytest -n $(JOBS) --dist worksteal
C_FILES = $(wildcard firmware_templates/*/*.[ch] firmware_templates/*/*/*.[ch] firmware_templates/*/*/*/*.[ch] toolkit/simulate/native/*.c toolkit/simulate/native/*.h)

.PHONY: help demo quick check check-all sweeps lint types test check-wheel gate gate-update bench results bench-check example docs site lock format clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(VENV)/.installed ## Build Wav2Small for cortex-m4, simulate and verify it on a speech clip
	$(BIN)/toolkit build --target cortex-m4 --out out/wav2small-cortex-m4

quick: $(VENV)/.dev ## Tests of a minute: one real path through every room, and the fast unit tests
	$(PYTEST) -m "quick and not exhaustive"

check: lint types test ## Lint, types and the tests (what CI runs)

check-all: $(VENV)/.dev ## The tests and the exhaustive sweeps
	$(PYTEST) -m "exhaustive or not exhaustive"

sweeps: $(VENV)/.dev ## Run the exhaustive sweeps that docs/RESULTS.md quotes and write their table there
	$(BIN)/python -m tools.sweeps --jobs $(JOBS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)

types: $(VENV)/.dev
	$(BIN)/mypy

test: $(VENV)/.dev
	$(PYTEST) -rs $(PYTEST_ARGS)

check-wheel: $(VENV)/.dev ## Build the wheel, install it in an empty environment and use it once
	rm -rf build/wheel && mkdir -p build/wheel
	$(PIP) wheel --no-deps -w build/wheel .
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements.lock
	build/wheel/venv/bin/python -m pip --disable-pip-version-check -q install --no-deps build/wheel/*.whl
	build/wheel/venv/bin/python -m pip --disable-pip-version-check check
	cd build/wheel && venv/bin/toolkit build --target cortex-m4 --out firmware

gate: $(VENV)/.installed ## Hold the zoo against its budgets and baselines (toolkit.toml)
	mkdir -p build/gate
	$(BIN)/toolkit check -j $(JOBS) --cache build/gate/cache --save build/gate/reports \
	  --markdown build/gate/comment.md --junit build/gate/junit.xml \
	  --result build/gate/result.json $(if $(AGAINST),--against $(AGAINST))

gate-update: $(VENV)/.installed ## Accept the zoo's figures of today as its baselines
	$(BIN)/toolkit check -j $(JOBS) --update --accept

bench: $(VENV)/.dev ## Figures of the published models beside the peers'
	$(BIN)/python -m benchmarks.run

results: $(VENV)/.dev ## Rewrite the figures of README.md and docs/RESULTS.md (5 minutes, needs every tool)
	$(BIN)/python -m benchmarks.results
	$(BIN)/python -m benchmarks.silicon
	$(BIN)/python -m benchmarks.estimates
	$(BIN)/python -m benchmarks.features

bench-check: $(VENV)/.dev ## Fail when an instruction count rose by more than 1 %
	$(BIN)/python -m benchmarks.baseline

example: $(VENV)/.installed ## Regenerate the library under examples/
	$(BIN)/toolkit build --target cortex-m4 --out build/example
	rm -rf examples/wav2small_cortex_m4
	cp -r build/example/wav2small examples/wav2small_cortex_m4

docs: $(VENV)/.dev ## Regenerate the generated documentation: operators, pictures of screens
	$(BIN)/python -m toolkit.ops.document > docs/SUPPORTED_OPS.md
	$(BIN)/python -m tools.screens

site: $(VENV)/.dev ## The documentation as a site, in build/site/html; a warning or a broken link fails
	$(BIN)/python -m tools.site

lock: ## Pin what pyproject.toml asks for by hash, and list it; pins that still fit stay (needs PyPI)
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check -q install uv==0.13.9
	UV_CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/uv pip compile -q pyproject.toml \
	  -c constraints.txt --universal --python-version 3.11 --generate-hashes -o requirements.lock
	$(MAKE) $(VENV)/.dev
	$(BIN)/python -m tools.dependencies

format: $(VENV)/.dev ## Format Python and C
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)

clean: ## Remove build products, keep the environment
	rm -rf build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements.lock | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps -e .
	touch $@

$(VENV)/.dev: $(VENV)/.installed constraints.txt
	$(PIP) install -c constraints.txt -e '.[train,teach,search,flash,dev,docs]'
	touch $@
