# `make build` is the main job; every target sets up what it needs and starts at once the second time.
PYTHON ?= python3
BIN := .venv/bin
export DBT_PROJECT_DIR := $(CURDIR)
export DBT_PROFILES_DIR := $(CURDIR)

# What confines dbt stands beside it, where no branch reaches: copied once, from what is checked out then.
INSTALLED := udfs/scorehouse/names/git.py $(wildcard udfs/scorehouse/installed/* udfs/scorehouse/installed/*/*.py)

.PHONY: build spark nightly watchdog follow test test-spark lint check bench bench-growth docs product clean

build: .venv/ready
	$(BIN)/dbt build

spark: .venv/ready-spark
	@PYTHONPATH=udfs $(BIN)/python -m scorehouse.spark $(ARGS)

nightly: .venv/ready
	@PYTHONPATH=udfs $(BIN)/python -m scorehouse.nightly $(ARGS)

watchdog: .venv/ready
	@PYTHONPATH=udfs $(BIN)/python -m scorehouse.nightly.watchdog $(ARGS)

follow: .venv/ready
	@PYTHONPATH=udfs $(BIN)/python -m scorehouse.nightly.follow $(ARGS)

test: .venv/ready
	$(BIN)/python -m pytest

test-spark: .venv/ready-spark
	$(BIN)/python -m pytest tests/project/test_spark.py -n 1

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	WAREHOUSE_PATH=$(CURDIR)/target/lint $(BIN)/sqlfluff lint --disable-progress-bar models tests/singular analyses

check: lint test

bench: .venv/ready-bench
	PYTHONPATH=tests:udfs $(BIN)/python -m bench

bench-growth: .venv/ready-bench
	PYTHONPATH=tests:udfs $(BIN)/python -m bench growth

product: .venv/ready
	PYTHONPATH=udfs $(BIN)/python -m scorehouse.skeleton "$(NAME)" $(ENTITY)

docs: .venv/ready
	$(BIN)/dbt docs generate

clean:
	rm -rf .venv target logs

.venv/ready: requirements.txt $(INSTALLED)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	cp -R udfs/scorehouse/installed/. "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	cp udfs/scorehouse/names/git.py "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/scorehouse_confinement"
	touch $@

.venv/ready-bench: .venv/ready requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-bench.txt
	touch $@

.venv/ready-spark: .venv/ready requirements-spark.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-spark.txt
	touch $@
