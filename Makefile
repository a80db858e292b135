# The two commands are `make run` and `make test`; each does its own set-up.
PYTHON ?= python3
PIP    := .venv/bin/python -m pip --quiet --disable-pip-version-check

.PHONY: help setup run test check unit soak bench deploy lock clean
.DEFAULT_GOAL := help

help:
	@echo "make run     start the applications on this machine, and print their addresses"
	@echo "make test    every check and every test"
	@echo "make check   linters, types, layer rules, templates"
	@echo "make soak    the long runs: kills, load, many random cases"
	@echo "make bench   the figures of docs/performance.md"
	@echo "make deploy  to AWS, with the AWS SAM CLI"

# --- set-up ---

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Stratus needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements/pip.txt

.venv/.runtime: requirements/runtime.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# (An older pip takes a locked package for another one when it is asked for with extras: so pip is pinned too.)
# Tools whose own pins contradict ours live beside them, inside the one environment.
.venv/tools/%/.ready: requirements/tool-%.txt | .venv/bin/python
	.venv/bin/python -m venv .venv/tools/$*
	.venv/tools/$*/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/pip.txt
	.venv/tools/$*/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $<
	@touch $@

# DynamoDB Local, the oracle of our DynamoDB (a test tool; it runs on Java 17 or newer).
ORACLE := amplify-dynamodb-simulator-2.9.30.tgz
.venv/dynamodb-local/.ready: requirements/oracle.sha512 .venv/.dev
	rm -rf .venv/dynamodb-local && mkdir -p .venv/dynamodb-local
	cd .venv/dynamodb-local && PATH="$(CURDIR)/.venv/bin:$$PATH" npm pack --silent $(ORACLE:amplify-dynamodb-simulator-%.tgz=amplify-dynamodb-simulator@%)
	cd .venv/dynamodb-local && sha512sum --check --quiet $(CURDIR)/requirements/oracle.sha512
	cd .venv/dynamodb-local && tar xzf $(ORACLE) --strip-components=2 package/emulator && rm $(ORACLE)
	@touch $@

# Clients from npm that tests run unmodified.
.venv/clients/.ready: tests/clients/package-lock.json .venv/.dev
	mkdir -p .venv/clients && cp tests/clients/package.json tests/clients/package-lock.json .venv/clients/
	cd .venv/clients && PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@

setup: .venv/.runtime

# --- use ---

run: .venv/.runtime
	.venv/bin/stratus up --data .stratus

# make deploy APP=todolist REGION=eu-central-1 PARAMETERS="MailFrom=... MailIdentityArn=..."
deploy: .venv/.runtime .venv/tools/sam/.ready
	.venv/bin/python -m deploy $(or $(APP),todolist) $(if $(REGION),--region $(REGION)) $(PARAMETERS)

# --- prove ---

test: check unit

check: .venv/.dev .venv/tools/sam/.ready .venv/tools/checkov/.ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	PYTHONPATH=apps/todolist .venv/bin/lint-imports
	.venv/bin/cfn-lint -a tools/cfn_lint_rules -t apps/*/template.yaml
	$(MAKE) -C apps/todolist check PATH="$(CURDIR)/.venv/bin:$(CURDIR)/.venv/tools/sam/bin:$(CURDIR)/.venv/tools/checkov/bin:$$PATH"

unit: .venv/.dev .venv/dynamodb-local/.ready .venv/clients/.ready
	.venv/bin/pytest -n auto -m "not soak"

soak: .venv/.dev .venv/dynamodb-local/.ready .venv/clients/.ready
	.venv/bin/pytest -m soak

bench: .venv/.dev .venv/tools/ministack/.ready
	.venv/bin/python -m bench

lock: .venv/bin/python
	.venv/bin/python -m pip --quiet install uv
	requirements/lock

clean:
	rm -rf .venv .aws-sam build
