# Two environments: .venv-run holds what the demo needs and nothing else, .venv holds every tool and the built wheel.
# Both are made from the locks in requirements/. `make help` lists the targets.

PYTHON   ?= python3
VENV     ?= .venv
RUN_VENV ?= .venv-run
ONCE     ?=
ARGS     ?=

UV      := $(shell command -v uv 2>/dev/null)
BIN     := $(VENV)/bin
RUN_BIN := $(RUN_VENV)/bin
# Folders are listed too: a file that is deleted changes its folder and nothing else.
SOURCES := $(shell find src -not -name '*.pyc' -not -name __pycache__) pyproject.toml LICENSE $(wildcard README.md)
CHECKED := $(wildcard src tests integrations benchmarks)
TYPED   := $(wildcard src tests integrations)

say = @printf '\n== %s\n'

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help run test interop lint unit docs format lock clean wheel

help:
	@sed -n 's/^#: //p' Makefile

#: make run           start the gate on 127.0.0.1:8080 for your issuers if OIDC_ISSUERS, OIDC_ISSUER, OIDC_AUDIENCES, OIDC_CLIENT_ID
#:                    or BEARERGATE_CONFIG is set, else the demo
#: make run ONCE=1    print the demo's table of tokens and verdicts, stop, fail if a verdict is not the expected one
#: make run ARGS=...  options of `bearergate serve` or `bearergate demo`, for example ARGS='--port 18080'
run: $(RUN_VENV)/.installed
	@if [ -n "$(ONCE)" ]; then exec $(RUN_BIN)/bearergate demo --once $(ARGS); \
	elif [ -n "$$OIDC_ISSUERS$$OIDC_ISSUER$$OIDC_AUDIENCES$$OIDC_CLIENT_ID$$BEARERGATE_CONFIG" ]; then exec $(RUN_BIN)/bearergate serve $(ARGS); \
	else exec $(RUN_BIN)/bearergate demo $(ARGS); fi

#: make test          everything that must hold: lint, types, architecture, docs, tests of the built wheel with coverage
test: lint docs unit
	$(say) 'all checks passed'

# Debian keeps some servers where nobody's PATH leads.
INTEROP_PATH = $$PATH:/usr/sbin:$$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)

#: make interop       end-to-end tests against real identity providers and servers, on loopback
interop: $(VENV)/.wheel
	@for program in nginx redis-server docker-registry skopeo postgres; do \
	  ! PATH="$(INTEROP_PATH)" command -v $$program >/dev/null 2>&1 || continue; \
	  package=$$program; [ $$program != postgres ] || package=postgresql; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    printf '\n== install %s\n' $$package; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$package >/dev/null || exit 1; \
	  else echo "make interop: $$program is missing; install it first (Debian and Ubuntu: apt-get install $$package)" >&2; exit 1; fi; \
	done
	$(say) 'end-to-end tests'
	@PATH="$(INTEROP_PATH)" $(BIN)/python -m pytest integrations --timeout=900 $(ARGS)

#: make faults        what happens when issuers fail, threads run out and processes fork: every scenario with its figure
.PHONY: faults
faults: $(VENV)/.wheel
	$(say) 'fault scenarios'
	@$(BIN)/python -m pytest tests/faults $(ARGS)

#: make mutants       mutation testing of src/bearergate/core, on the source tree; ARGS='--file jws.py' for one file
.PHONY: mutants
mutants: $(VENV)/.tools
	$(say) 'mutation testing'
	@PYTHONPATH=src:. nice -n 10 $(BIN)/python -m tests.mutation $(ARGS)

#: make fuzz          a million spoilt inputs, on the source tree; ARGS='--cases 1000000 --seed 7' repeats a run
.PHONY: fuzz
fuzz: $(VENV)/.tools
	$(say) 'fuzzing'
	@PYTHONPATH=src:. nice -n 10 $(BIN)/python -m tests.fuzz $(ARGS)

#: make bench         ours beside other libraries: table, benchmarks/runs/, docs page, chart; ARGS=--quick is rough and short
.PHONY: bench
bench: $(VENV)/.wheel
	$(say) 'benchmarks'
	@$(BIN)/python -m benchmarks $(ARGS)

#: make bench-guard   a quick run beside the committed results: tells which ratios moved by more than 25 %, fails only for a
#:                    row that is missing
.PHONY: bench-guard
bench-guard: $(VENV)/.wheel
	$(say) 'benchmarks, beside the committed ones'
	@$(BIN)/python -m benchmarks guard $(ARGS)

#: make lint          ruff, mypy, basedpyright, import-linter
lint: $(VENV)/.wheel
	$(say) 'ruff check'
	@$(BIN)/ruff check --quiet $(CHECKED)
	$(say) 'ruff format'
	@$(BIN)/ruff format --quiet --diff $(CHECKED)
	$(say) 'mypy --strict'
	@$(BIN)/mypy $(TYPED)
	$(say) 'basedpyright'
	@$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(say) 'import-linter'
	@$(BIN)/lint-imports --no-cache

#: make unit          the tests of the built wheel with branch coverage: 100 % of the core, 95 % of the rest
unit: $(VENV)/.wheel
	$(say) 'pytest'
	@mkdir -p .cache && rm -f .cache/coverage* .cache/first.log
	@$(if $(ARGS),$(BIN)/coverage run -m pytest $(ARGS),$(call side_by_side))
	@$(BIN)/coverage combine --quiet
	$(say) 'branch coverage of the core: 100 %'
	@$(BIN)/coverage report --include='src/bearergate/core/*' --fail-under=100
	$(say) 'branch coverage of the rest: 95 %'
	@$(BIN)/coverage report --omit='src/bearergate/core/*' --fail-under=95

# Two halves of about the same length side by side; most of the first only compute, most of the second wait for servers.
FIRST := acceptance config core fuzz mutation properties registry secrecy vectors

define side_by_side
$(BIN)/coverage run -m pytest $(addprefix tests/,$(FIRST)) >.cache/first.log 2>&1 & first=$$!; \
$(BIN)/coverage run -m pytest $(addprefix --ignore=tests/,$(FIRST)); second=$$?; \
wait $$first; ended=$$?; cat .cache/first.log; [ $$second = 0 ] && [ $$ended = 0 ]
endef

#: make docs          build the documentation into site/; a warning is an error
docs: $(VENV)/.wheel
	$(say) 'mkdocs build'
	@# Not --quiet: it silences the warnings before --strict can count them.
	@said=$$(NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict 2>&1) || { printf '%s\n' "$$said" >&2; exit 1; }

#: make format        rewrite imports and layout
format: $(VENV)/.tools
	@$(BIN)/ruff check --quiet --fix-only --select I,UP,RUF100 $(CHECKED)
	@$(BIN)/ruff format --quiet $(CHECKED)

#: make wheel         build the wheel and install it into .venv
wheel: $(VENV)/.wheel

#: make lock          resolve requirements/*.txt again from pyproject.toml (needs uv)
lock:
	@[ -n "$(UV)" ] || { echo 'make lock: uv is missing; install it first (pip install uv)' >&2; exit 1; }
	@UV_CUSTOM_COMPILE_COMMAND='make lock' uv pip compile $(LOCK) --extra all --group dev -o requirements/dev.txt
	@UV_CUSTOM_COMPILE_COMMAND='make lock' uv pip compile $(LOCK) --extra demo -c requirements/dev.txt -o requirements/demo.txt
	@UV_CUSTOM_COMPILE_COMMAND='make lock' uv pip compile --quiet --universal --python-version 3.11 --no-annotate $(ARGS) \
	  --group build -c requirements/dev.txt -o requirements/build.txt

LOCK := --quiet --universal --python-version 3.11 --no-annotate $(ARGS) pyproject.toml

#: make clean         remove both environments and everything that was built
clean:
	@rm -rf $(VENV) $(RUN_VENV) dist site .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks

# $(1) the environment to make.
define make_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'bearergate needs Python 3.11 or later; name one with PYTHON=, for example: make run PYTHON=python3.12' >&2; exit 1; }
	@rm -rf $(1)
	@$(if $(UV),uv venv --quiet --python $(PYTHON) $(1),$(PYTHON) -m venv $(1))
endef

# $(1) the environment, $(2) what to install.
pip_install = $(if $(UV),uv pip install --quiet --python $(1)/bin/python,$(1)/bin/python -m pip install --quiet --disable-pip-version-check) $(2)

$(RUN_VENV)/.tools: requirements/demo.txt requirements/build.txt
	@echo 'make run: preparing $(RUN_VENV), once (about 20 seconds)'
	$(call make_venv,$(RUN_VENV))
	@$(call pip_install,$(RUN_VENV),--no-deps -r requirements/demo.txt -r requirements/build.txt)
	@touch $@

$(RUN_VENV)/.installed: $(RUN_VENV)/.tools $(SOURCES)
	@$(call pip_install,$(RUN_VENV),--no-deps --no-build-isolation --force-reinstall .)
	@touch $@

$(VENV)/.tools: requirements/dev.txt
	@echo 'preparing $(VENV), once (about a minute)'
	$(call make_venv,$(VENV))
	@$(call pip_install,$(VENV),--no-deps -r requirements/dev.txt)
	@touch $@

$(VENV)/.wheel: $(VENV)/.tools $(SOURCES)
	$(say) 'build and install the wheel'
	@rm -rf dist
	@said=$$($(BIN)/hatchling build -t wheel 2>&1) || { printf '%s\n' "$$said" >&2; exit 1; }
	@$(call pip_install,$(VENV),--no-deps --force-reinstall dist/*.whl)
	@touch $@
