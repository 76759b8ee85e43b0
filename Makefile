# On a fresh machine, with nothing but git, make and Python 3.11 to 3.13: `make demo` to see it, `make validate` to check it.
# Every target installs what it needs into VENV first, once.

# requirements/*.txt were compiled with the first of them.
PYTHON ?= $(shell for version in 3.12 3.13 3.11; do \
	python$$version -c "" 2>/dev/null && echo python$$version && break; done || echo python3)
VENV ?= .venv
# A directory that is left out of the checkout works too: make VENV=/tmp/venv validate
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Extra arguments for pytest, e.g. make test ARGS="-k signing -x"; with -n0 they run in one process.
ARGS ?=
# Processes that share the tests (tests/conftest.py has how).
WORKERS ?= auto
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)

SOURCES := openedx_webhooks demo benchmarks setup.py manage.py test_settings.py

# Tests start dozens of processes: each would compile everything anew where the environment has bytecode thrown away,
# as many images do.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help requirements demo demo-smoke test test-browser test-tutor screenshots published test-services thorough chaos soak coverage diff_cover quality format pii_check validate \
	docs linkcheck references schema-clients dist bare benchmark compile-requirements upgrade extract_translations compile_translations \
	detect_changed_source_translations validate_translations pylintrc clean selfcheck

help: ## show this help
	@echo "make TARGET, where TARGET is one of:"
	@grep -hE '^[a-zA-Z_-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-36s %s\n", $$1, $$2}'

# --- Environment. Each set of requirements leaves a stamp in the environment, so a second run installs nothing.

NEEDS := needs Python 3.11, 3.12 or 3.13 with its venv module. Install one (Debian and Ubuntu: python3.12 and python3.12-venv; \
macOS: brew install python@3.12; anywhere: pyenv install 3.12) or name it: make PYTHON=/path/to/python3.12

$(BIN)/python:
	@$(PYTHON) -c 'import sys, ensurepip, sqlite3, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
		|| { echo "openedx-webhooks $(NEEDS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: requirements/pip.txt requirements/base.txt setup.py pyproject.toml | $(BIN)/python
	$(PIP) install --quiet -r requirements/pip.txt
	$(PIP) install --quiet -r requirements/base.txt
	@# What setuptools has to say about editable installations in general is no news to anybody here.
	PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/plugins.txt $(VENV)/.base
	$(PIP) install --quiet -r requirements/dev.txt
	$(PIP) install --quiet --no-deps --upgrade --target $(VENV)/plugins -r requirements/plugins.txt
	@touch $@

$(VENV)/.services: requirements/services.txt $(VENV)/.dev
	$(PIP) install --quiet -r requirements/services.txt
	@touch $@

$(VENV)/tutor/.installed: requirements/pip.txt requirements/tutor.txt tutor/pyproject.toml | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/tutor
	$(VENV)/tutor/bin/pip install --quiet -r requirements/pip.txt
	$(VENV)/tutor/bin/pip install --quiet -r requirements/tutor.txt
	$(VENV)/tutor/bin/pip install --quiet --no-deps --no-build-isolation --editable tutor
	@touch $@

requirements: $(VENV)/.dev ## install everything for working on the plugin

# --- The two commands of the README, and the demo without a person.

demo: $(VENV)/.base compile_translations ## serve the miniature LMS and the receiver, to try hooks in a browser (Ctrl-C stops it all)
	$(BIN)/python -m demo

demo-smoke: $(VENV)/.base compile_translations ## run the demo's scenario without a person and check every step
	$(BIN)/python -m demo --smoke

validate: $(VENV)/.dev ## install what is needed, then run the checks and the tests: what to run before a commit
	@$(call run_checks,$(filter-out pylint pylint-tests,$(QUALITY)) pii docs)
	@# It takes longer than the other checks together, and one processor; the tests often wait for something.
	@log=$$(mktemp) && trap 'rm -f "$$log"' EXIT; \
		$(MAKE) --no-print-directory check-pylint FAILED=/dev/null >"$$log" 2>/dev/null & pylint=$$!; \
		$(MAKE) --no-print-directory test; status=$$?; \
		wait $$pylint || status=1; cat "$$log"; exit $$status

# --- Tests

# With random input: its amount is a test's own, times TEST_EXAMPLES.
RANDOM_TESTS := tests/admin/test_random_input.py tests/webfilters/test_random_answers.py tests/payloads/test_events.py \
	tests/payloads/test_limits.py

test: $(VENV)/.dev ## run the tests (SQLite); ARGS="-k name" chooses
	$(PYTEST) $(ARGS)

# Each of the processes has a demo and a browser: more than two would only wait for each other on most machines.
BROWSER_TESTS := $(BIN)/python -m pytest -n 2 tests/browser

test-browser: $(VENV)/.dev ## drive the operator's desk in Chromium (CHROMIUM=/path/to/it)
	$(BROWSER_TESTS) $(ARGS)

screenshots: $(VENV)/.dev ## the same, and take the pictures of the documentation
	SCREENSHOTS=1 $(BROWSER_TESTS) $(ARGS)

test-tutor: $(VENV)/tutor/.installed ## run the tests of the companion for Tutor (tutor/), in an environment of its own; needs no Docker
	$(VENV)/tutor/bin/python -m pytest tutor $(ARGS)

published: $(BIN)/python ## run the published plugin's versions from the index and compare with what was recorded of them
	$(BIN)/python tests/published/record.py --check $(ARGS)

test-services: $(VENV)/.services ## run the tests on the database of TEST_DATABASE_URL (see compose.yaml)
	@test -n "$$TEST_DATABASE_URL" || { echo "Set TEST_DATABASE_URL, e.g. mysql://root@127.0.0.1:3306/openedx_webhooks" >&2; exit 1; }
	$(PYTEST) $(ARGS)

thorough: $(VENV)/.dev ## what validate leaves to CI: every web server, a storm of logins, more random input, pylint on the tests
	@$(call run_checks,pylint-tests)
	$(PYTEST) -m thorough $(ARGS)
	TEST_EXAMPLES=8 $(PYTEST) $(RANDOM_TESTS) $(ARGS)

chaos: $(VENV)/.services ## kill workers, broker and database during 5,000 deliveries, and count (needs mariadbd, redis-server)
	$(BIN)/python -m tests.chaos $(ARGS)

soak: $(VENV)/.services ## an hour of 100,000 learners while things break; ARGS="--seconds 120 --cycles 1" (needs mariadbd, redis-server)
	$(BIN)/python -m tests.soak $(ARGS)

coverage: $(VENV)/.dev ## run the tests and show which lines and branches none of them reaches
	$(PYTEST) --cov --cov-report=term-missing:skip-covered --cov-report=html --cov-report=xml $(ARGS)

diff_cover: coverage ## coverage of the lines that differ from main
	$(BIN)/diff-cover coverage.xml

benchmark: $(VENV)/.dev ## measure what a hook costs a request
	$(BIN)/python -m benchmarks $(ARGS)

# --- Quality

# A fixture is used by being asked for, and tests look at what is nobody else's business. What else pylint infers of
# them, such as a member that is missing, fails when they run: so validate has it of the sources only.
TESTS_MAY := R,C,unused-argument,protected-access,attribute-defined-outside-init,abstract-method,unnecessary-lambda
TESTS_MAY := $(TESTS_MAY),no-value-for-parameter,imported-auth-user,unsafe-yaml-load,catching-non-exception
TESTS_MAY := $(TESTS_MAY),keyword-arg-before-vararg,useless-suppression

# What reads everything once and ends: a quarter of its time would go to a search for garbage that finds hardly any.
WITHOUT_GC := $(BIN)/python -c 'import gc, runpy, sys; gc.disable(); del sys.argv[0]; \
	runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)'

QUALITY := ruff format types pylint pylint-tests layers migrations django
check_ruff = $(BIN)/ruff check --output-format concise .
check_format = $(BIN)/ruff format --check .
check_types = $(BIN)/mypy
check_pylint = $(WITHOUT_GC) pylint $(SOURCES)
check_pylint-tests = $(WITHOUT_GC) pylint tests --disable=$(TESTS_MAY)
check_layers = $(BIN)/lint-imports
check_migrations = $(BIN)/python manage.py makemigrations --check --dry-run
check_django = $(BIN)/python manage.py check --fail-level WARNING
check_pii = DJANGO_SETTINGS_MODULE=test_settings $(BIN)/code_annotations django_find_annotations \
	--config_file .pii_annotations.yml --lint --coverage
# Every page is read and every reference resolved, as for HTML; to write that takes twice as long again.
check_docs = $(WITHOUT_GC) doc8 --quiet README.rst CHANGELOG.rst docs \
	&& $(WITHOUT_GC) sphinx -W --keep-going -q -b dummy docs docs/_build/check

# Runs checks, two at a time, all of them whatever fails, and says at the end which did. (make's own messages add
# nothing to that; the older make of macOS cannot keep the output of one check together.)
run_checks = failed=$$(mktemp) && trap 'rm -f "$$failed"' EXIT; \
	$(MAKE) --no-print-directory --keep-going --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) \
		FAILED="$$failed" $(1:%=check-%) 2>/dev/null && exit; \
	echo "make $@: failed: $$(sort "$$failed" | xargs)" >&2; exit 1

check-%:
	@echo "--- $*"
	@{ $(check_$*); } 2>&1 || { echo $* >>"$(FAILED)"; exit 1; }

quality: $(VENV)/.dev ## run linters, formatter, the layer contract and Django's own checks; show all that is wrong
	@$(call run_checks,$(QUALITY))

format: $(VENV)/.dev ## format the code, sort the imports and fix what ruff can fix by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pii_check: $(VENV)/.dev ## check that every model says which personal data it holds (OEP-30)
	$(check_pii)

docs: $(VENV)/.dev ## check and build the documentation; warnings are errors
	$(check_docs)
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

linkcheck: $(VENV)/.dev ## try every link of the documentation that leads out of it (needs the network)
	$(BIN)/sphinx-build -q -b linkcheck docs docs/_build/linkcheck

references: $(VENV)/.dev ## write the pages of docs/references that come from settings' comments and from the demo
	$(BIN)/python docs/references/generate_settings.py
	WRITE_WHAT_LEARNERS_SEE=1 $(BIN)/python -m pytest -q tests/demo/test_what_learners_see.py

schema-clients: $(VENV)/.dev ## lint the OpenAPI document and generate clients' types of it in Python and TypeScript (needs Node)
	$(BIN)/python -m venv $(VENV)/clients
	$(VENV)/clients/bin/python -m pip --disable-pip-version-check install --quiet -r requirements/clients.txt
	npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund --loglevel=error
	$(BIN)/python tests/clients/check.py $(VENV)/clients/bin/python

# Whoever builds a commit again gets the same bytes: https://reproducible-builds.org/docs/source-date-epoch/
dist: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
dist: $(VENV)/.dev ## build wheel and sdist, and check them as PyPI would
	rm -rf build dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

bare: $(BIN)/python ## install the wheel that make dist built where there is nothing else, and load it
	rm -rf $(VENV)/bare
	$(BIN)/python -m venv $(VENV)/bare
	$(VENV)/bare/bin/python -m pip --disable-pip-version-check install --quiet dist/*.whl
	$(VENV)/bare/bin/python -m pip check
	$(VENV)/bare/bin/python -I -c "from importlib.metadata import entry_points as found; \
		[one.load() for name in ('lms', 'cms') for one in [found(group=f'{name}.djangoapp')['openedx_webhooks']]]"

selfcheck: ## check that the Makefile is well-formed
	@echo "The Makefile is well-formed."

pylintrc: $(VENV)/.dev ## write pylintrc from edx-lint's own and pylintrc_tweaks
	$(BIN)/edx_lint write pylintrc

# --- Requirements

PIP_COMPILE := CUSTOM_COMPILE_COMMAND="make upgrade" $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

compile-requirements: $(BIN)/python ## compile requirements/*.in after a change of one of them
	$(PIP) install --quiet -r requirements/pip.txt -r requirements/pip-tools.txt
	@# In this order: a file may include the compiled form of one before it.
	for name in pip pip-tools base test services quality doc ci dev clients tutor; do \
		$(PIP_COMPILE) $(COMPILE_ARGS) -o requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

upgrade: COMPILE_ARGS := --upgrade
upgrade: compile-requirements ## compile requirements/*.in with the newest versions that constraints.txt allows

# --- Translations: the catalogs lie in the package, where Django finds them in any installation. Git has their text;
# they are compiled beside it whenever the package is built, installed from here, tested or shown in the demo.

CATALOGS := $(wildcard openedx_webhooks/locale/*/LC_MESSAGES/django.po)
# What extracts them goes by the directory that it is called in.
MANAGE := cd openedx_webhooks && $(if $(filter /%,$(BIN)),,../)$(BIN)/python ../manage.py

extract_translations: $(VENV)/.dev ## collect the texts to translate into the catalogs (needs gettext)
	$(MANAGE) makemessages --all --no-obsolete --add-location file

compile_translations: $(CATALOGS:.po=.mo) ## compile the translations

%.mo: %.po | $(VENV)/.base
	$(BIN)/python setup.py --quiet compile_catalogs

detect_changed_source_translations: extract_translations ## fail if a text changed and extract_translations was forgotten
	git diff --exit-code -I '^"POT-Creation-Date' openedx_webhooks/locale/en

validate_translations: detect_changed_source_translations ## check the translations (needs gettext)
	for catalog in $(CATALOGS); do msgfmt --check --output-file=/dev/null "$$catalog" || exit 1; done

# ---

clean: ## remove what builds, tests and the demo leave behind, but not the environment
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
	rm -rf build dist htmlcov coverage.xml .coverage .coverage.* .pytest_cache .ruff_cache .import_linter_cache \
		.hypothesis .demo docs/_build docs/references/events docs/references/filters docs/references/modules.rst pii_report
