# Everything a fresh machine needs is python3 (>= 3.11), make and git: each target sets up first what it lacks.
.PHONY: help setup demo up test check bench format
.DEFAULT_GOAL := help

RUN := .venv/bin/
SETUP := .venv/.set-up

help:
	@echo "make demo    set up, start everything and bill a year of a sample customer"
	@echo "make up      set up and run the whole stack in the foreground: http://127.0.0.1:3000"
	@echo "make test    set up and run all tests"
	@echo "make check   format, lint, types, directions of imports"
	@echo "make bench   measure"
	@echo "make setup   only set up (.venv, libraries of the system, the Temporal binary)"

setup: $(SETUP)

$(SETUP): bootstrap.py pyproject.toml uv.lock cli/embedded/temporal_binary.py
	@python3 bootstrap.py
	@touch $@

demo: setup
	@$(RUN)durabill demo

up: setup
	@$(RUN)durabill up

test: setup
	@$(RUN)python -m pytest

check: setup
	@$(RUN)poe --quiet check

bench: setup
	@$(RUN)python -m benchmarks

format: setup
	@$(RUN)poe --quiet format
