# `make help` lists what there is. PORT= chooses where `make run` serves.

PORT ?= 8000
PYTHON3 ?= python3
PYTHON := .venv/bin/python
SYNCED := .venv/synced
CAPABILITIES := talent licensing valuation

.PHONY: help setup run test test-deep check lock bench bench-quick screenshots
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(SYNCED) ## Make the environment in .venv, with what statements are drawn with
	@$(PYTHON) -m likenessdesk.libraries

# The stamp names the lock it was made from, so a checkout of another one is noticed.
$(SYNCED): requirements.txt
	@$(PYTHON3) -c 'import sys; sys.exit("Python 3.11 to 3.13 is needed, this is " + sys.version.split()[0] + ": set PYTHON3=") if not (3, 11) <= sys.version_info[:2] < (3, 14) else None'
	@echo "Making .venv …"
	@$(PYTHON3) -m venv .venv || { echo "On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing uv …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	@echo "Installing what requirements.txt lists …"
	@.venv/bin/uv pip sync --python $(PYTHON) --require-hashes requirements.txt
	@touch $@

run: setup ## Run the desk with its demo until Ctrl-C
	@exec env PORT=$(PORT) $(PYTHON) manage.py run

test: setup ## Run the whole suite
	@exec $(PYTHON) -m pytest -n 2

test-deep: setup ## Run the laws on many more examples, and what takes long
	@exec $(PYTHON) -m pytest -n 2 -m "" --hypothesis-profile=deep

check: setup ## Lint, import contracts, types, deployment, migrations, then the suite
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	.venv/bin/lint-imports
	$(PYTHON) -m mypy
	PRODUCTION=1 SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(64))') \
		KEY_ENCRYPTION_KEY=only-for-this-check ALLOWED_HOSTS=desk.example DATABASE_URL=postgres://nobody@localhost/none \
		REDIS_URL=redis://localhost EMAIL_URL=smtp://localhost \
		$(PYTHON) manage.py check --deploy --fail-level WARNING
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) -m pytest -n 2 --cov --cov-report=term:skip-covered

lock: setup ## Compile requirements.txt from pyproject.toml
	.venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --all-extras \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--quiet --output-file requirements.txt pyproject.toml

bench: setup ## Measure against yardsticks, into bench.json
	@exec $(PYTHON) -m tests.bench

bench-quick: setup ## The same at a tenth of the size
	@exec $(PYTHON) -m tests.bench --quick

screenshots: setup ## Take the README's screenshots from the demo
	@exec $(PYTHON) -m tests.browser.screenshots
