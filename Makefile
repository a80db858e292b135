# The two commands are `make run` and `make test`; each does its own set-up.
PYTHON ?= python3
PIP    := .venv/bin/python -m pip --quiet --disable-pip-version-check

.PHONY: setup run test check bench deploy lock clean
.DEFAULT_GOAL := help

help:
	@echo "make run     start the applications on this machine, and print their addresses"
	@echo "make test    every check and test"
	@echo "make check   linters, types, layer rules, template lint"
	@echo "make bench   the figures of docs/performance.md"
	@echo "make deploy  to AWS, with the AWS SAM CLI"

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Stratus needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements/runtime.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# Tools whose own pins contradict ours live beside them, inside the one environment.
.venv/tools/%/.ready: requirements/tool-%.txt | .venv/bin/python
	.venv/bin/python -m venv .venv/tools/$*
	.venv/tools/$*/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $<
	@touch $@

setup: .venv/.runtime
