# Everything is set up by these commands: they need python3.11 or later (with venv, or uv) and make, nothing else.
#
#   make run [ARGS=--once]    fetch a small model, serve it, ask it one question
#   make test [ARGS=…]        run the tests; ARGS go to pytest
#   make check                lint, types, import rules, sizes of rooms, and that every test can be loaded
#   make clients              install other people's clients, which `make test` else does while it runs
#   make bench [-- ARGS]      measure the gateway, compiled if a C compiler is here; needs wrk and nginx
#   make test-compiled        run the tests of the gateway on its compiled build
#   make soak                 work for SOAK_S=600 s at SOAK_RATE=1000 calls a second, and see that nothing grows or is lost
#   make clean                delete what these commands have made here

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Nothing is compiled at installation, so what is imported has to be kept compiled: else every start compiles anew.
export PYTHONDONTWRITEBYTECODE :=

ENV := .venv
BIN := $(ENV)/bin
# Debian's own build comes first: it is compiled with profile-guided optimisation, which most builds of version managers
# are not, and runs the gateway 1.2 to 1.6 times as fast as those. PYTHON=… chooses another.
PYTHON ?= $(shell /usr/bin/python3.11 -c 'import ensurepip, venv' 2>/dev/null && echo /usr/bin/python3.11 \
	|| command -v python3.11 || command -v python3)
UV := $(shell command -v uv)

.PHONY: help run test test-compiled check clients bench soak clean

help:
	@sed -n 's/^#   //p' Makefile

run: $(ENV)/.has-local $(ENV)/.tried-weigh
	@$(BIN)/steelyard quickstart $(ARGS)

# A machine that has no wheels for what weighing computes with serves all the same; it tries again when something changes.
$(ENV)/.tried-weigh: pyproject.toml | $(ENV)/.has-local
	@$(MAKE) --no-print-directory $(ENV)/.has-weigh || echo 'Weighing is left out: its extra could not be installed.' >&2
	@touch $@

# Most tests wait for a process or a socket more than they compute: four at a time on two cores. ARGS=-n0 runs them one by one.
# The files come in their own order: xdist's, by their number of tests, has workers wait early for other people's clients.
test: $(ENV)/.has-test
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

# All of it is said at once, not the first complaint alone. To load the tests takes as long as to know the types: both at
# once. What it compiles, the workers of `make test` find compiled, or each would do it for itself.
check: $(if $(CI),$(ENV)/.begun-clients) $(ENV)/.has-check
	@failed=; loaded=$$(mktemp); trap 'rm -f $$loaded' EXIT; \
	$(BIN)/python -m pytest --collect-only -q >$$loaded 2>&1 & loading=$$!; \
	$(BIN)/ruff check . || failed="$$failed lint"; \
	$(BIN)/ruff format --check . || failed="$$failed format"; \
	$(BIN)/mypy || failed="$$failed types"; \
	$(BIN)/lint-imports --no-cache || failed="$$failed imports"; \
	$(BIN)/python -m tests.rooms || failed="$$failed rooms"; \
	wait $$loading || { failed="$$failed tests"; tail -50 $$loaded; }; \
	test -z "$$failed" || { echo "Not as it should be:$$failed." >&2; exit 1; }

# Needs nothing of the package, so it can be made while that is installed: where CI is set, one core does so while the
# other installs and checks. Where it fails, the tests try it again, and say why.
clients: $(ENV)/.made
	@$(BIN)/python -m tests.clients.environment

$(ENV)/.begun-clients: $(ENV)/.made
	@$(BIN)/python -m tests.clients.environment >$(ENV)/clients.log 2>&1 </dev/null & touch $@

# `make bench -- --quick`: make takes the words behind `--` for goals, and NAME=VALUE for a variable.
ifeq (bench,$(firstword $(MAKECMDGOALS)))
WORDS := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS)) $(filter --%,$(MAKEOVERRIDES))
.PHONY: $(WORDS)
$(WORDS):
	@:
endif

# What is measured is the compiled build, in an environment of its own, where it can be made. BENCH_BUILD=python says no.
BENCH_BUILD ?= $(if $(shell command -v '$(CC)'),compiled,python)
COMPILED := $(ENV)-bench
SOURCES := $(shell find src -type f -not -name '*.pyc')

bench: $(ENV)/.has-local $(ENV)/.has-weigh $(if $(filter compiled,$(BENCH_BUILD)),$(COMPILED)/.tried)
	@python=$(BIN)/python; \
	if [ '$(BENCH_BUILD)' = compiled ] && [ -e $(COMPILED)/.compiled ]; then python=$(COMPILED)/bin/python; fi; \
	$$python -m bench $(WORDS) $(ARGS)

# The compiled modules are other machine code for the same source, and stricter about types: what runs in them is tested
# in them, too. The package is there already, so pip adds what its extra `test` names.
HOT := tests/core tests/dialects tests/journal tests/limits tests/cache tests/gateway tests/matrix

test-compiled: $(COMPILED)/.tried
	@test -e $(COMPILED)/.compiled || { echo 'Steelyard could not be compiled: $(COMPILED)/install.log' >&2; exit 1; }
	@$(COMPILED)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-compile 'steelyard[test]'
	@$(COMPILED)/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(or $(ARGS),$(HOT))

SOAK_S ?= 600
SOAK_RATE ?= 1000

soak: $(ENV)/.has-local $(ENV)/.has-weigh
	@$(BIN)/python -m bench.soak --seconds $(SOAK_S) --rate $(SOAK_RATE) $(ARGS)

# A machine that cannot compile measures all the same, and is told; it tries again when something has changed.
$(COMPILED)/.tried: pyproject.toml hatch_build.py $(SOURCES) | $(ENV)/.has-local
	@echo 'Compiling Steelyard into $(COMPILED); this takes some minutes …' >&2
	@rm -rf $(COMPILED); mkdir $(COMPILED); \
	if $(BIN)/python -m venv $(COMPILED) >$(COMPILED)/install.log 2>&1 && STEELYARD_MYPYC=1 \
		$(COMPILED)/bin/python -m pip install --disable-pip-version-check --no-input '.[local,weigh]' >>$(COMPILED)/install.log 2>&1; \
	then touch $(COMPILED)/.compiled; \
	else grep -iE 'error|needs' $(COMPILED)/install.log | tail -5 >&2; \
		echo 'Steelyard could not be compiled ($(COMPILED)/install.log): the build in Python is measured.' >&2; fi
	@touch $@

clean:
	@rm -rf $(ENV) $(ENV)-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

HELD_BY_check := test local weigh
HELD_BY_test := local weigh

# One stamp a set of extras, so that the next run begins at once; a set that holds others leaves theirs too. Nothing is
# compiled ahead of its first import, as with uv: for the extra `weigh` that halves the CPU time (43 s, 22 s), and 455 MB
# become 310.
$(ENV)/.has-%: pyproject.toml $(ENV)/.made
	@echo "Installing Steelyard [$*] into $(ENV); the first time this takes a minute …" >&2
ifneq ($(UV),)
	@uv pip install --python $(BIN)/python -e '.[$*]'
else
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --no-compile -e '.[$*]' 2>&1 \
		| tee $(ENV)/install.log | $(BIN)/python -uc "$$SHOW_PROGRESS" \
		|| { grep -i error $(ENV)/install.log || tail -20 $(ENV)/install.log; exit 1; } >&2
endif
	@touch $@ $(patsubst %,$(ENV)/.has-%,$(HELD_BY_$*))

$(ENV)/.made:
ifneq ($(UV),)
	@uv venv --quiet --seed --allow-existing --python '$(PYTHON)' $(ENV)
else
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or later is missing. Install it: apt-get install python3 python3-venv' >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo '$(PYTHON) is too old: 3.11 or later is needed. Give another: make PYTHON=/path/to/python3' >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo '$(PYTHON) cannot make environments. Install what is missing: apt-get install python3-venv' >&2; exit 1; }
	@echo 'Making the environment $(ENV) …' >&2
	@'$(PYTHON)' -m venv $(ENV)
	@# The pip that Python 3.11 brings takes twice as long to find out what is needed as today's (60 s, 31 s).
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-compile --upgrade pip
endif
	@touch $@

# pip's output as one line that changes on a terminal, and as dots elsewhere.
define SHOW_PROGRESS
import os, sys
terminal = os.isatty(2)
for line in sys.stdin:
    words = line.split()
    if words[:1] in (['Collecting'], ['Downloading'], ['Installing'], ['Building']):
        sys.stderr.write('\r\033[K  ' + ' '.join(words)[:70] if terminal else '.')
        sys.stderr.flush()
sys.stderr.write('\r\033[K' if terminal else '\n')
endef
export SHOW_PROGRESS
