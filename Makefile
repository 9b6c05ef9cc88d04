# `make help` lists what there is. PORT= chooses where `make run` serves; AREA= the room whose tests
# `make test` runs, such as licensing/caps.

PORT ?= 8000
PYTHON3 ?= python3
PYTHON := .venv/bin/python
UV := .venv/bin/uv
# The stamps name the locks they were made from, so a checkout of other ones is noticed.
DESK := .venv/desk
TOOLS := .venv/tools
TEMPLATES = $(shell find templates -name '*.html')

# The suite starts forty processes, each of which would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup setup-tools run test test-deep check lint suite fix messages lock bench bench-quick screenshots
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(DESK) ## Make the environment in .venv, with what a desk runs on
	@$(PYTHON) -m likenessdesk.libraries

setup-tools: setup $(TOOLS) ## Add what tests and checks need

.venv/bin/uv:
	@$(PYTHON3) -c 'import sys; sys.exit("Python 3.11 to 3.13 is needed, this is " + sys.version.split()[0] + ": set PYTHON3=") if not (3, 11) <= sys.version_info[:2] < (3, 14) else None'
	@echo "Making .venv …"
	@$(PYTHON3) -m venv .venv || { echo "On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing uv …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check uv

$(DESK): requirements.txt | .venv/bin/uv
	@echo "Installing what requirements.txt lists …"
	@$(UV) pip sync --python $(PYTHON) --require-hashes requirements.txt \
		$(if $(wildcard $(TOOLS)),requirements-dev.txt)
	@touch $@

$(TOOLS): requirements-dev.txt $(DESK)
	@echo "Installing what requirements-dev.txt lists …"
	@$(UV) pip sync --python $(PYTHON) --require-hashes requirements.txt requirements-dev.txt
	@touch $@

run: setup ## Run the desk with its demo until Ctrl-C
	@exec env PORT=$(PORT) SECOND_FACTOR_ROLES=none $(PYTHON) manage.py run

# Three on two cores: a fifth of its time a worker waits for a browser, a server, or a kill.
WORKERS := 3

# A room's tests are a folder, or a file with or without its "test_".
ROOM = $(firstword $(wildcard tests/$(AREA) tests/$(AREA).py tests/$(dir $(AREA))test_$(notdir $(AREA)).py))

test: setup-tools ## Run the whole suite, or a room's: make test AREA=licensing/caps
	$(if $(AREA),$(if $(ROOM),,$(error tests/ has no room $(AREA))))
	@exec $(PYTHON) -m pytest -n $(WORKERS) $(if $(AREA),$(ROOM))

# Where Python monitors itself (3.12), coverage costs little. A tracer takes as long as the suite
# itself, so without monitoring only `make test-deep` measures it.
MONITORS = $(shell $(PYTHON) -c 'import sys; print("yes" if sys.version_info >= (3, 12) else "")')
COVERED = $(if $(MONITORS),COVERAGE_CORE=sysmon) $(PYTHON) -m pytest -n $(WORKERS) --cov --cov-report=term:skip-covered

test-deep: setup-tools ## Run the laws on many more examples, what takes long, and the coverage floor
	@$(COVERED) -m "" --hypothesis-profile=deep

check: setup-tools ## Lint, import contracts, types, deployment; beside them the suite
	@$(MAKE) --no-print-directory --jobs=2 lint suite

lint: setup-tools
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	.venv/bin/djade --check $(TEMPLATES)
	.venv/bin/lint-imports
	$(PYTHON) -m mypy
	PRODUCTION=1 SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(64))') \
		KEY_ENCRYPTION_KEY=only-for-this-check-and-for-nothing-else-in-the-world ALLOWED_HOSTS=desk.example DATABASE_URL=postgres://nobody@localhost/none \
		REDIS_URL=redis://localhost EMAIL_URL=smtp://localhost \
		$(PYTHON) manage.py check --deploy --fail-level WARNING

# The suite begins with the making of one database, which keeps one core busy.
suite: setup-tools
	$(if $(MONITORS),$(COVERED),$(PYTHON) -m pytest -n $(WORKERS))

fix: setup-tools ## Mend what ruff can, format Python and templates
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	.venv/bin/djade $(TEMPLATES)

COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet

messages: setup-tools ## Compile what statements say in German, French and Spanish
	.venv/bin/pybabel compile --directory locale --domain django

lock: setup-tools ## Compile both requirements files from pyproject.toml
	$(COMPILE) --output-file requirements.txt pyproject.toml
	$(COMPILE) --constraints requirements.txt --group dev --output-file requirements-dev.txt

bench: setup-tools ## Measure against yardsticks, into bench.json
	@exec $(PYTHON) -m tests.bench

bench-quick: setup-tools ## The same at a tenth of the size
	@exec $(PYTHON) -m tests.bench --quick

screenshots: setup-tools ## Take the README's screenshots from the demo
	@exec $(PYTHON) -m tests.browser.screenshots
