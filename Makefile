# Everything a person does with this repository. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
export CARGO_TERM_COLOR ?= auto

.PHONY: help run test demo acceptance soak bench check venv clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

run: target/release/lakehold ## build and start a server in ./lakehold-data
	target/release/lakehold serve

test: ## everything that must hold (25 minutes cold at most)
	tests/run test

demo: target/release/lakehold $(VENV)/ready ## version a real directory tree with the official client
	$(VENV)/bin/python tests/compat/demo.py --server target/release/lakehold

acceptance: target/release/lakehold $(VENV)/ready ## run a folder of scripts: make acceptance SCRIPTS=DIR
	@test -n "$(SCRIPTS)" || { echo "say which: make acceptance SCRIPTS=DIR"; exit 2; }
	$(VENV)/bin/python tests/compat/acceptance.py --server target/release/lakehold "$(SCRIPTS)"

soak: ## what takes longer: 200 crash rounds, 1,000 power cuts, 5 minutes of three servers, 4 GiB bodies
	tests/run soak

bench: ## criterion benches and the load tool
	tests/run bench

check: ## formats, lints, layers, documents
	cargo xtask check

venv: $(VENV)/ready ## the official Python clients, in .venv

$(VENV)/ready: tests/compat/requirements.txt
	tests/run venv

.PHONY: target/release/lakehold
target/release/lakehold:
	@tests/run tools
	cargo build --release --locked -p lakehold

clean: ## remove what was built
	rm -rf target $(VENV)
