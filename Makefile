# Everything runs from a bare checkout with Python 3.11 or newer; nothing is installed outside it.
PYTHON ?= python3
BIN := .venv/bin
# Folders of FEED.people.csv and truth.csv beside the fictional region, NAME=FOLDER each.
BENCHMARKS ?=

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*##/\t/' | expand -t 10

demo: .venv/.installed  ## a fictional region, from agencies' records to the board pack
	@$(BIN)/upstream demo

test: .venv/.installed  ## style and all tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pytest --numprocesses auto --dist loadfile

lock: .venv/.installed  ## pin every package again, with hashes
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	  --python-version 3.11 --extra hub --extra test -o requirements.lock pyproject.toml

encodings: .venv/.installed  ## attack every encoding, link under each, draw one against the other (an hour)
	$(BIN)/upstream privacy-attack --out build/encodings
	$(BIN)/python -m pipelines.evaluation.trade_off --attacks build/encodings/attacks.json --out build/encodings \
	  --benchmark $(BENCHMARKS)

ablation: .venv/.installed  ## link with one step left out at a time (BENCHMARKS=NAME=FOLDER ...)
	$(BIN)/python -m pipelines.evaluation.ablation --benchmark $(BENCHMARKS) --out build/ablation

verify: .venv/.installed  ## do the bands hold the truth: 200 regions linked and drawn, 20 taken the whole way (forty minutes; goes on where it was)
	$(BIN)/python -m pipelines.evaluation.verify
	$(BIN)/python -m pipelines.evaluation.verify_headlines

truth: .venv/.installed  ## the demo's marts beside its answer key: the tables of docs/truth.md
	@$(BIN)/python -m pipelines.evaluation.truth --into docs/truth.md

# SIZES="100000 1000000" and LARGE=--large for five million as well, ROWS=1000000 of each feed through the gate; goes on
# where it was stopped.
bench: .venv/.installed  ## time and memory of linkage beside stock Splink on plaintext, and what the gate costs (half an hour)
	$(BIN)/python -m pipelines.evaluation.bench $(if $(SIZES),--sizes $(SIZES)) $(if $(ROWS),--rows $(ROWS)) $(LARGE)

kill: .venv/.installed  ## kill -9 a run at 20 random points; the next one must end as if nothing had been (half an hour)
	UPSTREAM_KILLS=20 $(BIN)/pytest tests/graph/test_kill.py

columns: .venv/.installed  ## write down columns that are published for the first time
	@$(BIN)/python -m pipelines.publish.changes

cookbook: .venv/.installed  ## docs/cookbook.md, from its questions and the answers of the demo's release
	@$(BIN)/python -m pipelines.evaluation.cookbook data/releases/current/analyst.duckdb

wheel: .venv/.installed  ## the package for agencies, in build/
	@rm -rf build  # of an earlier version, whose modules would be taken along
	$(BIN)/uv build --wheel --quiet --out-dir build .

# uv installs in seconds; where a mirror is known to pip alone, pip does the same more slowly.
.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Upstream needs Python 3.11 or newer")'
	@echo "Setting up .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet uv==0.13.9
	@$(BIN)/uv pip install --quiet --require-hashes -r requirements.lock \
	  || $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps -e . || $(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

.PHONY: help demo test lock encodings ablation verify truth kill columns cookbook wheel bench
