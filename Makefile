# What one does with this project. `make help` lists it; docs/development.md tells more.
#
# Each environment has a stamp a purpose (.venv/stamps/*), so a second run installs nothing. Variables that help:
#   PYTHON=...     the Python to make the environment with     CHROMIUM=...  the browser of the tests
#   ARGS="..."     more words for pytest, curator, the benchmarks or the soak   JOBS=2  test processes   SEED=...

PY := .venv/bin/python
JOBS ?= 2
ARGS ?=
INPUTS := pyproject.toml constraints.txt tools/install.py

# Tests and servers start many Pythons; without compiled files each of them would compile what it imports.
unexport PYTHONDONTWRITEBYTECODE
# What the caller's shell says of other environments must not leak into ours.
unexport PYTHONPATH
unexport PYTHONHOME
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format bench soak interop pins clean distclean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

.venv/stamps/%: $(INPUTS)
	@python=$$(sh tools/python.sh) && "$$python" tools/install.py $*
	@mkdir -p $(@D) && touch $@

.venv-interop/stamps/interop: $(INPUTS)
	@python=$$(sh tools/python.sh) && "$$python" tools/install.py interop
	@mkdir -p $(@D) && touch $@

# A checkout that was moved or copied with its environment, or whose Python is gone, is installed anew.
ifneq ($(wildcard .venv/stamps),)
ifneq ($(shell sed -n 's/^VIRTUAL_ENV=//p' .venv/bin/activate 2>/dev/null | tr -d "'\"" | head -n 1)$(wildcard $(PY)),$(CURDIR)/.venv$(PY))
$(shell rm -rf .venv/stamps)
endif
endif

install: .venv/stamps/main  ## make .venv and install the application (part of demo and test)
	@:

demo: .venv/stamps/main  ## build a demo project in ./demo if absent and serve it
	@$(PY) -m curator demo ./demo $(ARGS)

test: .venv/stamps/dev  ## run all tests, those in a real browser included
	@chromium=$$($(PY) tools/find_chromium.py --install) && \
	CHROMIUM="$$chromium" $(PY) -m pytest -n $(JOBS) --dist loadgroup --hypothesis-profile=ci $(ARGS)

lint: .venv/stamps/dev  ## check style, imports between rooms, and types
	@failed=0; \
	echo "ruff check";         $(PY) -m ruff check . || failed=1; \
	echo "ruff format";        $(PY) -m ruff format --check --quiet . || { $(PY) -m ruff format --check .; failed=1; }; \
	echo "import-linter";      .venv/bin/lint-imports || failed=1; \
	echo "mypy";               $(PY) -m mypy || failed=1; \
	exit $$failed

format: .venv/stamps/dev  ## let ruff rewrite the files
	@$(PY) -m ruff check --fix . ; $(PY) -m ruff format .

bench: .venv/stamps/bench  ## run the comparisons with peers (ARGS=name for one)
	@$(PY) tools/benchmarks.py $(ARGS)

soak: .venv/stamps/dev  ## run the long fault and fuzz tests; goes on where it was stopped, reports into docs/reports
	@chromium=$$($(PY) tools/find_chromium.py --install) && CHROMIUM="$$chromium" $(PY) tools/soak.py $(ARGS)

interop: .venv/stamps/main .venv-interop/stamps/interop  ## open our exported files with other projects' libraries
	@rm -rf build/interop && mkdir -p build/interop
	@$(PY) -m curator demo build/interop/project --no-serve >/dev/null
	@$(PY) -m curator -p build/interop/project export coco --unconfirmed keep --out build/interop/coco
	@.venv-interop/bin/python tools/interop.py build/interop/coco

pins: .venv/stamps/dev  ## resolve constraints.txt anew from the ranges in pyproject.toml
	@$(PY) tools/install.py pins

clean:  ## remove what runs left behind; environments and the demo stay
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean  ## also remove the environments and the demo project
	@rm -rf .venv .venv-interop demo demo.part
