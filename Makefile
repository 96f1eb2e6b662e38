# Every command a person types. `make` alone lists them.
#
# `##` after a target's name is its sentence in that list.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# A half-written target would pass for a whole one the next time.
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

DASHBOARD := frontend/dist/index.html
NODE_MODULES := frontend/node_modules/.package-lock.json
# What the dashboard is built from; tests and generated reports are not part of it.
DASHBOARD_SOURCES := $(shell find frontend/src frontend/public -type f -not -name '*.test.ts*' 2>/dev/null) \
  $(wildcard frontend/index.html frontend/vite.config.ts frontend/tsconfig*.json frontend/package.json)
RELEASE := target/release/groundswell
DEBUG := target/debug/groundswell

.PHONY: help run test setup build check bench soak train eval types screenshots \
  setup-run setup-test dashboard release debug test-rust test-frontend test-e2e

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: setup-run dashboard release ## Set up, build, start on http://127.0.0.1:8080 and replay real posts until Ctrl-C
	@scripts/run.sh

test: setup-test dashboard test-rust test-frontend test-e2e ## Set up and run all tests: unit, integration on real servers, dashboard in Chromium

setup: setup-test ## Install what is missing: PostgreSQL, Redis, Chromium, ONNX Runtime, npm packages

build: setup-run dashboard release ## Build the dashboard and the server that embeds it, optimised

check: $(NODE_MODULES) ## What CI runs before the tests: format, lints, docs, migrations, generated files, types
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --lib
	scripts/lint-migrations.sh
	cargo test --quiet --lib config::
	scripts/check-generated.sh
	npm --prefix frontend run check

bench: setup-run dashboard release ## Measure the pipeline against the numbers we promise (BENCH=name for another bench)
	$(RELEASE) bench $(or $(BENCH),pipeline) $(BENCH_ARGS)

soak: setup-run dashboard ## Run the long tests in full: crashes, restarts and overload for minutes instead of seconds
	GROUNDSWELL_TEST_SOAK=1 cargo test --release --test it -- --nocapture

train: ## Rebuild the weights of both models from the public sets in DATA=folder
	scripts/train.sh "$(DATA)"

eval: setup-run dashboard release ## Measure the committed weights on the public benchmarks in DATA=folder
	scripts/evaluate.sh "$(DATA)"

types: $(NODE_MODULES) debug ## Regenerate the OpenAPI document and the dashboard's types from the server
	scripts/generate-types.sh

screenshots: setup-test dashboard release ## Retake the pictures of the dashboard in docs/ from the replay
	GROUNDSWELL_BIN=$(CURDIR)/$(RELEASE) npm --prefix frontend run screenshots

setup-run:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test

$(NODE_MODULES): frontend/package-lock.json
	npm --prefix frontend ci --no-audit --no-fund
	@touch $@

$(DASHBOARD): $(NODE_MODULES) $(DASHBOARD_SOURCES)
	npm --prefix frontend run build
	@touch $@

dashboard: $(DASHBOARD)

# Cargo knows better than make what is up to date.
release:
	cargo build --release

debug:
	cargo build

test-rust: setup-test dashboard
	cargo test

test-frontend: setup-test $(NODE_MODULES)
	npm --prefix frontend test

# After the server's tests, which built the debug server.
test-e2e: test-rust
	GROUNDSWELL_BIN=$(CURDIR)/$(DEBUG) npm --prefix frontend run test:e2e
