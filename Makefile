# Everything runs in .venv, which the first target that needs it sets up; `make` alone lists the targets.

PYTHON ?= python3
CORES ?= all
CONFIG ?= config/config.yaml

python := .venv/bin/python
made := import pip, sys; sys.exit(sys.prefix == sys.base_prefix)
supported := import sys; sys.exit(sys.version_info < (3, 11))
tested := import sys; sys.exit(sys.version_info >= (3, 14))
version := import platform; print("Python " + platform.python_version())

# A Snakemake that was killed leaves its locks behind; they are removed if no Snakemake works here any more.
define abandoned
import os, pathlib, psutil, sys; \
alive = [p for p in psutil.process_iter(["cmdline", "cwd"]) if "snakemake" in map(os.path.basename, p.info["cmdline"] or []) and p.info["cwd"] == os.getcwd()]; \
sys.exit(any(pathlib.Path(".snakemake/locks").glob("*")) and not alive)
endef

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_USER := no
# without bytecode, each of a study's processes would compile this package anew
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: .venv/.installed ## set up and run the demo; its report is results/demo/report.html
	@$(python) -c '$(abandoned)' || $(python) -m snakemake --configfile config/demo.yaml --cores 1 --unlock
	@$(python) -m snakemake --configfile config/demo.yaml --cores $(CORES)
	@echo 'The report of the demo is results/demo/report.html'

.PHONY: estimate
estimate: .venv/.installed ## print the passes, bytes and hours of a study; CONFIG=config/mine.yaml picks one
	@$(python) -m deeplocalizer.estimate workflow/schemas/config.schema.yaml $(CONFIG) $(if $(filter-out all,$(CORES)),--cores $(CORES))

.PHONY: test
test: .venv/.installed ## set up and run the quick tests; PYTEST_ARGS='-k masks' picks some
	$(python) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: docs
docs: .venv/.installed ## build the site of the documentation, docs/_build/index.html
	@$(python) -m sphinx -b html -W --keep-going -q docs docs/_build
	@echo 'The site is docs/_build/index.html'

.PHONY: benchmark
benchmark: .venv/.installed ## measure speed and memory beside their targets; BENCHMARK_ARGS='--quick forward' picks some
	@$(python) -m tests.benchmarks $(BENCHMARK_ARGS)

.PHONY: lint
lint: .venv/.installed ## check style, types, the workflow and the installed packages
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m snakefmt --check Snakefile workflow
	$(python) -m snakemake --lint
	$(python) -m mypy
	$(python) -m pip check

.PHONY: format
format: .venv/.installed ## format the Python files and the workflow
	$(python) -m ruff check --fix-only .
	$(python) -m ruff format .
	$(python) -m snakefmt Snakefile workflow

.PHONY: lock
lock: ## write requirements.lock after a change of pyproject.toml; LOCK_ARGS=--upgrade for newer packages
	@set -e; uv=$$(mktemp -d); trap 'rm -rf "$$uv"' EXIT; \
	"$(PYTHON)" -m venv "$$uv"; \
	"$$uv/bin/python" -m pip install --quiet uv; \
	"$$uv/bin/uv" pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
	    --no-header --no-emit-index-url --no-annotate $(LOCK_ARGS) pyproject.toml -o requirements.lock

.PHONY: pictures
pictures: demo ## draw the pictures of the README anew; needs Graphviz
	cp results/demo/dual_task_cnn/figures/effects.svg docs/effects.svg
	@$(python) -m snakemake --configfile config/demo.yaml --cores 1 --rulegraph dot 2>/dev/null \
	    | sed -n '/^digraph/,$$p' | sed -e 's/, color = "[^"]*"//; s/fontname=sans/fontname=Helvetica/' \
	        -e 's/margin=0/margin=0.1, rankdir=LR, ranksep=0.3, nodesep=0.15/; s/penwidth=2/penwidth=1.2/' \
	    | tred | dot -Tsvg >docs/rulegraph.svg

.PHONY: clean
clean: ## remove results, logs and benchmarks
	rm -rf results logs benchmarks

# pip leaves alone what is installed already, so an interrupted or outdated set-up goes on where it was.
.venv/.installed: requirements.lock pyproject.toml | place
	@$(python) -c '$(made)' 2>/dev/null && $(python) -c '$(supported)' || { \
	    found=$$("$(PYTHON)" -c '$(version)' 2>/dev/null) || found='not found'; \
	    "$(PYTHON)" -c '$(supported)' 2>/dev/null || { \
	        echo "DeepLocalizer needs Python 3.11 or newer, but $(PYTHON) is $$found."; \
	        echo 'Choose another: make $(or $(firstword $(MAKECMDGOALS)),demo) PYTHON=python3.12'; \
	        exit 1; }; \
	    "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	        echo "$(PYTHON) ($$found) cannot create virtual environments."; \
	        echo 'On Debian and Ubuntu: sudo apt install python3-venv'; \
	        exit 1; }; \
	    echo "Creating .venv with $$found"; \
	    "$(PYTHON)" -c '$(tested)' || echo 'Some packages may have to be compiled: the lock is tested with Python 3.11 to 3.13.'; \
	    "$(PYTHON)" -m venv --clear .venv; }
	@test -e .venv/.installed && echo 'Updating the packages in .venv' || \
	    echo 'Installing the pinned packages (about 7 GB on Linux, some minutes, once)'
	@$(python) -m pip install --quiet --require-hashes -r requirements.lock
	@$(python) -m pip install --quiet --no-deps --no-build-isolation -e .
	@pwd >.venv/.installed

.PHONY: place
place:
	@case "$$(pwd)" in *' '*) \
	    echo "Snakemake cannot run scripts from a folder with a space in its path: $$(pwd)"; \
	    echo 'Move DeepLocalizer to another folder.'; \
	    exit 1; esac
	@test ! -s .venv/.installed || test "$$(cat .venv/.installed)" -ef . || { \
	    echo "The virtual environment .venv was made in $$(cat .venv/.installed) and works only there."; \
	    echo 'Remove the folder .venv and run make again.'; \
	    exit 1; }
