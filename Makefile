# Every target installs what it needs first. `make` alone lists them.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PYTHON := .venv/bin/python
LAB ?= demo
SUITES ?=
SOAK ?=
SIGN_KEY ?=

.PHONY: help setup unsetup build bundle bundle-aarch64 collection lab-up lab-down demo test test-long soak bench audit lint format lock clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup:  ## install what the project needs on this machine
	@scripts/setup

unsetup:  ## remove the wrappers that setup wrote outside the checkout
	@scripts/wrappers remove

build: setup  ## build/rust/* and build/python/bin/*
	@scripts/build

bundle: build  ## build/bundle: what site.yml rolls out, signed (SIGN_KEY=~/.ssh/release; none = unsigned)
	@$(PYTHON) -m lab images >/dev/null
	@SECLYZER_SIGN_KEY=$(SIGN_KEY) $(PYTHON) -m scripts.bundle

bundle-aarch64: build  ## build/bundle-aarch64: the same for ARM hosts
	@scripts/setup arm
	@scripts/build aarch64
	@$(PYTHON) -m lab images >/dev/null
	@SECLYZER_SIGN_KEY=$(SIGN_KEY) $(PYTHON) -m scripts.bundle --arch aarch64

collection: setup  ## build/collection: the playbooks, roles and modules as an archive of ansible-galaxy
	@$(PYTHON) -m scripts.collection

lab-up: setup  ## bring up the lab of systemd hosts (LAB=demo)
	@$(PYTHON) -m lab influxd >/dev/null
	@$(PYTHON) -m lab up --lab $(LAB)

lab-down:  ## take it down again; nothing stays behind
	@$(PYTHON) -m lab down --lab $(LAB)

demo: setup  ## roll out to the lab, feed events, show data and health live
	@$(MAKE) --no-print-directory bundle lab-up
	@$(PYTHON) -m scripts.demo

test: setup  ## everything: lint, unit, parity, molecule (SUITES="lint unit" for some)
	@$(PYTHON) -m scripts.test $(SUITES)

test-long: setup  ## rollouts that can always go back, on hosts: bad releases, power cuts, lost controllers (about three and a half hours)
	@$(PYTHON) -m scripts.test build long

soak: build  ## every fault again and again, then fuzzing: a report (SOAK="--seconds 1800 --seed 1")
	@$(PYTHON) -m tests.faults.soak $(SOAK)

bench: build  ## memory, CPU, latency, events/s: Rust and Python side by side, into docs/bench.*
	@$(PYTHON) -m bench --out docs

audit: setup  ## look the locks up in public advisories; what could not be looked at is reported, and is an error (3)
	@$(PYTHON) -m scripts.audit

lint: setup  ## the lint suite only
	@$(PYTHON) -m scripts.test lint

format:  ## let the formatters write
	.venv/bin/ruff format . && .venv/bin/ruff check --fix . && cargo fmt --manifest-path extractors/rust/Cargo.toml

lock: setup  ## pin all Python packages again
	@scripts/lock

clean:  ## remove what was built (the cache outside the tree stays)
	rm -rf build .venv .ansible .pytest_cache .mypy_cache .ruff_cache .hypothesis
