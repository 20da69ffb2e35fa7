# Targets are explained by the comment after `##`; `make help` prints them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Arguments for pytest, soak and rolling-restart, for example: make test ARGS="tests/mail -x"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo run stop shell psql test test-quick conformance lint format messages bench soak \
	rolling-restart pictures lock clean

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install all that is needed: system libraries (apt), .venv, browser assets, secrets
	@$(PYTHON) scripts/set_up.py

demo: setup ## Load a sample operator, bill it, start everything and say who can sign in (PORT=8000)
	@$(BIN)/python scripts/serve.py --demo

run: setup ## Start everything on the data that is there, without the sample (PORT=8000)
	@$(BIN)/python scripts/serve.py

stop: setup ## Stop embedded PostgreSQL and Redis that a killed `make run` has left
	@$(BIN)/python -m common.embedded stop

shell: setup ## A Python shell with the program loaded
	@$(BIN)/python -m common.embedded start && $(BIN)/python manage.py shell

psql: setup ## PostgreSQL's shell on the embedded database, as the owner role
	@$(BIN)/python -m common.embedded start && $(BIN)/python -m common.embedded psql

test: setup ## Run all tests in parallel on servers of their own (ARGS="tests/mail -x")
	@$(BIN)/pytest --numprocesses auto --dist worksteal $(ARGS)

test-quick: setup ## The same without those that take seconds
	@$(BIN)/pytest --numprocesses auto --dist worksteal -m "not slow" $(ARGS)

conformance: setup ## Let veraPDF, Mustang and other tools judge our documents (ALL=1, RETAIL=1; needs Java)
	@CONFORMANCE=1 ALL=$(ALL) RETAIL=$(RETAIL) \
		$(BIN)/pytest --numprocesses 0 --quiet tests/conformance $(ARGS)

lint: setup ## Check style, types, layers, templates, containers, migrations, production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@# No database is asked: what matters is that models and migrations agree.
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@# Every variable that production requires, with example values.
	env -i PATH="$$PATH" $$(grep -v '^#' config/production.env.example) \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

format: setup ## Rewrite Python files in the project's style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

messages: setup ## Bring locale/ up to date with the marked texts (needs gettext: apt-get install gettext)
	@$(BIN)/python manage.py makemessages --locale de --locale fr --no-obsolete --no-wrap \
		--add-location file --ignore benchmarks --ignore node_modules --ignore tests --ignore var
	@# When it was done is no news, and would change every file every time.
	@sed -i '/^"POT-Creation-Date: /d' locale/*/LC_MESSAGES/django.po

bench: setup ## Run the benchmarks and print their tables (takes minutes; without the next two)
	@for benchmark in benchmarks/*.py; do \
		case $$benchmark in */_*|*/soak.py|*/rolling_restart.py) continue;; esac; \
		$(BIN)/python $$benchmark || exit 1; \
	done

soak: setup ## A billing run of 10,000 while processes are killed: hours (ARGS="--invoices 300")
	@$(BIN)/python benchmarks/soak.py $(ARGS)

rolling-restart: setup ## Replace a release by this one during a run, program by program (ARGS="--old REF")
	@$(BIN)/python benchmarks/rolling_restart.py $(ARGS)

pictures: setup ## Take the pictures in docs/pictures anew, from a sample operator of its own
	@$(BIN)/python scripts/pictures.py

lock: setup ## Renew requirements/*.lock and package-lock.json after a change of what they lock
	@$(PYTHON) scripts/lock.py

clean: ## Stop the embedded servers and delete all that set-up and running made, data included
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m common.embedded stop; fi
	rm -rf .venv node_modules var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
