# The verbs. `make` alone lists them; CI runs them by `.ci/run`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)
VENV := .venv
BIN := $(VENV)/bin

# podman builds, too. IMAGE_OPTIONS reach it, as in IMAGE_OPTIONS='--network host --build-arg SERVICE_UID=1001'.
DOCKER ?= docker
IMAGE_OPTIONS ?=

# SERVICE_HOST, SERVICE_PORT and LOCAL_DATA, from the environment or the command line, reach every verb.
LOAD_USERS ?= 10
LOAD_SECONDS ?= 15
ROUNDS ?= 20

quoted = '$(subst ','\'',$(1))'

.PHONY: help
help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: serve
serve: $(VENV)/.train ## set up, train if the store is empty, serve; your table: DATA=file TARGET=column NAME=model OPTIONS='-p name=value'
	@$(if $(TARGET),$(if $(DATA),,echo "TARGET needs a table: make serve DATA=path/to/table.csv TARGET=column" >&2; exit 2;))
	@exec $(if $(NAME),env MODEL_NAME=$(call quoted,$(NAME))) $(BIN)/mlops serve \
		$(if $(DATA),--data $(call quoted,$(DATA)) --target $(call quoted,$(TARGET)) \
		$(if $(TASK),--task $(call quoted,$(TASK)))) $(OPTIONS)

.PHONY: train
train: $(VENV)/.train ## run a pipeline: FOLDER=examples/iris
	@$(BIN)/mlops train $(call quoted,$(or $(FOLDER),ml_pipe))

.PHONY: image
image: ## build the image of every mode, ml-service, and the smaller one that serves, ml-service-api
	@branch=$${GIT_BRANCH-$$(git branch --show-current 2>/dev/null || true)}; \
	head=$$(git rev-parse HEAD 2>/dev/null || true); \
	if [ -n "$$head" ] && ! git diff --quiet HEAD; then head+=-dirty; fi; head=$${GIT_HEAD-$$head}; \
	build() { $(DOCKER) build --build-arg GIT_BRANCH="$$branch" --build-arg GIT_HEAD="$$head" \
		$(addprefix --build-arg BASE_IMAGE=,$(BASE_IMAGE)) $(IMAGE_OPTIONS) "$$@" .; }; \
	build --target api --tag ml-service-api && build --target service --tag ml-service

.PHONY: image-test
image-test: $(VENV)/.dev ## build the image and run each of its modes; needs root, docker.io, docker-compose, debootstrap
	@$(BIN)/python -m pytest tests/image

.PHONY: monitoring-test
monitoring-test: $(VENV)/.dev ## run Prometheus and Alertmanager beside the service; needs Debian's packages of them
	@$(BIN)/python -m pytest tests/prometheus

.PHONY: lab
lab: $(VENV)/.lab ## set up, open JupyterLab on the notebooks, on 127.0.0.1:8888 or JUPYTER_PORT
	@exec $(BIN)/mlops lab $(if $(JUPYTER_PORT),--port $(call quoted,$(JUPYTER_PORT)))

.PHONY: boosters
boosters: $(VENV)/.train ## install XGBoost, LightGBM and CatBoost, for OPTIONS='-p model=lightgbm'
	@requirements/install.sh "$(PYTHON)" $(VENV) boosters

.PHONY: evidently
evidently: ## set up Evidently in an environment of its own, for `mlops report --evidently`
	@requirements/install.sh "$(PYTHON)" .evidently evidently

.PHONY: offline
offline: $(VENV)/.train ## bundle what a machine without network needs: SET=train, lab, dev or boosters; IMAGE='name ...'
	@DOCKER=$(DOCKER) requirements/offline.sh $(BIN)/python $(call quoted,$(or $(SET),train)) $(IMAGE)

.PHONY: offline-test
offline-test: $(VENV)/.dev ## install, train and serve from a bundle, without network; needs Linux, root or user namespaces
	@$(BIN)/python -m pytest tests/offline

.PHONY: load
load: $(VENV)/.dev ## send valid rows to the running service, for LOAD_SECONDS, as LOAD_USERS at once
	@LOAD_USERS=$(LOAD_USERS) LOAD_SECONDS=$(LOAD_SECONDS) benchmarks/load.sh $(BIN)/python

.PHONY: bench
bench: $(VENV)/.train ## compare speed, start and memory with other servers: BENCH_SECONDS, BENCH_ROUNDS, BENCH_PARTS
	@$(BIN)/python -m benchmarks.bench

.PHONY: calibration
calibration: $(VENV)/.dev ## show how often drift is found where there is none, and where there is some
	@$(BIN)/python -m benchmarks.calibration

# What `make test` leaves out: tests that are marked slow, and the folders whose tests nearly all are. tests/template is about
# the template itself: a README or a package of your own turns some of it red, and you may delete it.
LEFT_OUT := tests/faults tests/prometheus tests/template
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

.PHONY: real-tables
real-tables: $(VENV)/.dev ## train on tables that packages ship, ask them their own rows, write the table of results
	@$(BIN)/python -m benchmarks.real_tables

.PHONY: test
test: $(VENV)/.dev ## set up, run the quick tests, in two minutes at most
	@$(PYTEST) -m 'not slow' $(addprefix --ignore=,$(LEFT_OUT))
	@echo "Left out: $(LEFT_OUT), and the tests that are marked slow. make test-all runs them."

.PHONY: test-all
test-all: $(VENV)/.dev ## run every test
	@$(PYTEST) --cov --cov-report=term

.PHONY: test-rest
test-rest: $(VENV)/.dev ## run the tests that `make test` leaves out
	@$(PYTEST) --rest-of "$(LEFT_OUT)"

.PHONY: faults
faults: $(VENV)/.dev ## kill, stop, starve and damage the service ROUNDS times in each way; needs Linux and strace
	@$(BIN)/python -m pytest tests/faults --randomly-dont-reorganize --rounds $(ROUNDS) \
		--faults-report local_data/reports

.PHONY: lint
lint: $(VENV)/.dev ## style, types, import contracts, and that the modules are what their notebooks export
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python docs/make/map.py --check
	@# nbdev-export touches pyproject.toml, after which make would set everything up again.
	@touch -r pyproject.toml $(VENV)/.pyproject-time
	@$(BIN)/nbdev-export
	@touch -r $(VENV)/.pyproject-time pyproject.toml
	@git diff --exit-code -- 'ml_pipe/*.py' || { \
		echo "The notebooks export something else: commit what nbdev-export changed." >&2; exit 1; }

.PHONY: docs
docs: $(VENV)/.dev ## write docs/reference/ anew, from the code
	@$(BIN)/python -m docs.make.reference

.PHONY: map
map: $(VENV)/.dev ## draw the packages and their imports: docs/map.svg
	@$(BIN)/python docs/make/map.py

.PHONY: check
check: lint test-all ## all that has to pass; CI also runs image-test and offline-test

.PHONY: add
add: $(VENV)/.train ## pin and install a package of yours: PACKAGE='xgboost>=3'; no other moves without need
	@$(if $(filter undefined,$(origin PACKAGE)),echo "Which package? make add PACKAGE=xgboost" >&2; exit 2;)
	@$(BIN)/python requirements/pins.py add $(call quoted,$(PACKAGE)) $(if $(SET),--set $(call quoted,$(SET)))

.PHONY: upgrade
upgrade: $(VENV)/.train ## move every pin to its newest version, and install those
	@$(BIN)/python requirements/pins.py upgrade

# Each stamp says: the virtual environment holds these pins. The larger set contains the smaller.
$(VENV)/.train: requirements/train.txt pyproject.toml
	@requirements/install.sh "$(PYTHON)" $(VENV) train
	@touch $@

$(VENV)/.lab: requirements/lab.txt pyproject.toml
	@requirements/install.sh "$(PYTHON)" $(VENV) lab
	@touch $(VENV)/.train $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	@requirements/install.sh "$(PYTHON)" $(VENV) dev
	@touch $(VENV)/.train $(VENV)/.lab $@
