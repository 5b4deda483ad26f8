# Every command that people and CI use. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

TESTBED := tests/testbed/testbed
TARGET := $(shell uname -m)-unknown-linux-musl
CARGO_HOME ?= $(HOME)/.cargo
# The bytes of a program must not depend on the folder that it was built in.
REMAP := --remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(CARGO_HOME)=cargo
# Linking static programs needs musl's C compiler; the test-bed has it where this machine has not.
STATIC_BUILD = $(if $(shell command -v musl-gcc),env,$(TESTBED) setup && $(TESTBED) run env) \
	RUSTFLAGS="$(REMAP)" cargo build --release --locked --target $(TARGET) --target-dir target/static

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: ## Build on a base of 1 GiB without downloading it, push, and show what moved
	@python3 e2e/demo

.PHONY: test
test: ## Set up everything and run every test
	@python3 tests/run

.PHONY: check
check: ## Formatting, lints, dependency rules, stale docs
	@python3 tests/run format lint docs

.PHONY: fmt
fmt: ## Format Rust and Starlark
	@cargo fmt --all
	@$(TESTBED) setup
	@git ls-files -co --exclude-standard '*.bzl' '*.bazel' '*BUILD' | xargs $(TESTBED) run buildifier -lint=fix

.PHONY: e2e
e2e: ## End-to-end tests; CASES="push determinism" chooses some
	@python3 tests/run e2e $(CASES)

.PHONY: bench
bench: test-tools ## Layers beside tar, pigz and zstd; lazy pushes; large deploys; BENCH="layers-15k push-2g deploy" RUNS=5
	@$(TESTBED) setup
	@tests/bench/run $(BENCH)

.PHONY: fuzz
fuzz: ## Fuzz the readers until interrupted; TARGETS="tar zstd" chooses, SECONDS=60 ends each
	@$(TESTBED) setup
	@$(TESTBED) run -- tests/fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(TARGETS)

.PHONY: docs
docs: ## Generate docs/reference from the docstrings
	@python3 docs/generate

.PHONY: tools
tools: ## Static release programs into dist/tools, for RULES_IMG_TOOLS_DIR
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET)
	@$(STATIC_BUILD) -p fetcher -p builder -p pusher -p tester
	@mkdir -p dist/tools
	@for program in fetcher builder pusher tester; do install target/static/$(TARGET)/release/$$program dist/tools/$$program; done
	@echo "dist/tools: $$(cd dist/tools && ls -sh1 | tail -n +2 | xargs)"

.PHONY: test-tools
test-tools: tools ## The same, with the servers and the test kit into dist/test-tools
	@$(STATIC_BUILD) -p registry-server -p bes -p testkit
	@mkdir -p dist/test-tools
	@for program in registry bes testkit; do install target/static/$(TARGET)/release/$$program dist/test-tools/$$program; done
