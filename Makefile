# Every command of the project. `make` alone lists them.

HOST ?= 127.0.0.1
PORT ?= 8000
BASE ?=
KEEP ?=
PY := .venv/bin/python
PO := $(wildcard */locale/*/LC_MESSAGES/django.po)
MIGRATIONS := $(wildcard */migrations/*.py) $(wildcard */management/commands/seed.py)
# The local database is brought up to date when a migration is newer; another database is asked on every start.
DATABASE := $(if $(DATABASE_URL)$(shell grep -s '^DATABASE_URL=.' .env),migrate,var/migrated)
ifeq ($(wildcard var/todoke.sqlite3),)
$(shell rm -f var/migrated)
endif

# Files in their order, browser tests last: see tests/embedded.py.
QUICK := not slow and not e2e and not chaos and not load and not long
WORKERS := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help run demo operator migrate test test-fast test-js test-sqlite test-long mutate check check-js format pictures bench messages compilemessages lock browser clean

help: ## list the commands | コマンドの一覧
	@awk -F ':[^#]*## ' '/^[a-z-]+:[^#]*## / {split($$2, text, " [|] "); printf "make %-16s %s\n%21s %s\n", $$1, text[1], "", text[2]}' Makefile

run: .venv/installed compilemessages $(DATABASE) ## start on http://127.0.0.1:8000 (HOST=, PORT=) | 起動する
	@echo "Todoke: http://$(HOST):$(PORT)/   (Ctrl+C: stop | 停止)"
	@exec .venv/bin/daphne -v 0 --websocket-max-message-size 65536 --websocket-max-frame-size 65536 -b $(HOST) -p $(PORT) config.asgi:application

demo: .venv/installed compilemessages ## the whole main job as a specimen: a cast, a partner, a tour (HOST=, PORT=, KEEP=1) | 見本を動かす
	@DEMO=on exec $(PY) manage.py demo --host $(HOST) --port $(PORT) $(if $(KEEP),--keep)

operator: .venv/installed $(DATABASE) ## create the operator's account | 運営者のアカウントを作る
	@$(PY) manage.py createsuperuser

migrate: .venv/installed ## bring the database up to date, with example rooms | データベースを更新する
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py seed

var/migrated: .venv/installed $(MIGRATIONS)
	@$(MAKE) --no-print-directory migrate
	@touch $@

test: .venv/installed-dev compilemessages browser test-js ## the whole suite on PostgreSQL and Valkey, then the quick part on SQLite | テスト
	$(PY) -m pytest $(WORKERS) -m "not long"
	TODOKE_TEST_BACKEND=sqlite $(PY) -m pytest $(WORKERS) -m "$(QUICK)"

test-sqlite: .venv/installed-dev compilemessages ## the whole suite on SQLite, without the browser | SQLite でのテスト
	TODOKE_TEST_BACKEND=sqlite $(PY) -m pytest $(WORKERS) -m "not long and not e2e and not load"

test-fast: .venv/installed-dev compilemessages test-js ## the quick part: no browser, faults or load; PostgreSQL once | 短時間で済むテスト
	$(PY) -m pytest $(WORKERS) -m "$(QUICK)"

test-js: ## the unit tests of the page's scripts, without a browser | スクリプトの単体テスト
	@if $(call has_node,node); then node --test tests/js/*.test.js; \
	else echo "Node.js 18 or newer is missing (apt install nodejs): the tests in tests/js are skipped"; fi

test-long: .venv/installed-dev compilemessages browser ## the tests that take minutes | 時間のかかるテスト
	$(PY) -m pytest -m long

mutate: .venv/installed-dev ## change the rules in every way; which changes does no test notice? | 規則を壊して確かめる
	rm -rf mutants
	.venv/bin/mutmut run
	.venv/bin/mutmut results

check: .venv/installed-dev compilemessages check-js ## style, types, imports, migrations, texts, documents | 静的検査
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/djlint --quiet --lint templates
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) -m tests.dead_code
	$(PY) manage.py check
	$(PY) manage.py makemigrations --check --dry-run
	TODOKE_TEST_BACKEND=sqlite $(PY) -m pytest -q tests/test_docs.py tests/test_translations.py

check-js: ## types and style of the page's scripts | スクリプトの静的検査
	@if $(call has_node,npm); then $(MAKE) --no-print-directory node_modules/installed \
	  && node_modules/.bin/tsc --project . && node_modules/.bin/biome lint --error-on-warnings && node --test tests/js/baseline.test.js; \
	else echo "Node.js 18 or newer with npm is missing (apt install nodejs npm): the scripts' types and style are not checked"; fi

format: .venv/installed-dev ## put the code into its form | コードを整形する
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

pictures: .venv/installed-dev compilemessages browser ## take the pictures of the README anew | README の画像を撮り直す
	$(PY) -m pytest -q tests/e2e/pictures.py

bench: .venv/installed-dev compilemessages ## the performance table beside a tutorial-shaped peer; BASE=COMMIT compares two commits (ARGS=--quick) | 性能を測る
	$(PY) -m tests.load.bench $(if $(BASE),--base $(BASE)) $(ARGS)

messages: .venv/installed-dev ## collect new texts for translation | 翻訳する文を集める
	$(PY) -m tests.translations

compilemessages: .venv/installed $(PO:.po=.mo) ## compile the translations | 翻訳をコンパイルする

%.mo: %.po
	@.venv/bin/pybabel --quiet compile --input-file $< --output-file $@

lock: .venv/installed-dev ## write the hashed lists of dependencies anew | 依存関係を固定し直す
	UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --output-file requirements.txt pyproject.toml
	UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	@if $(call has_node,npm); then npm update --package-lock-only --ignore-scripts --silent; \
	else echo "npm is missing (apt install npm): package-lock.json stays as it is"; fi
	@$(PY) -c 'import json, pathlib; lock = pathlib.Path("package-lock.json"); tree = json.loads(lock.read_text()); \
	  [package.pop("funding", None) for package in tree["packages"].values()]; lock.write_text(json.dumps(tree, indent=2) + "\n")'

browser: # for the browser tests; without it they are skipped in words
	@if command -v chromium chromium-browser google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	    chromium fonts-ipaexfont-gothic >/dev/null \
	  || echo "Chromium could not be installed: the browser tests are skipped"; \
	else echo "Chromium is missing (apt install chromium): the browser tests are skipped"; fi
	@if command -v firefox-esr firefox >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends firefox-esr >/dev/null 2>&1 \
	  || echo "Firefox could not be installed: its test is skipped"; \
	else echo "Firefox is missing (apt install firefox-esr): its test is skipped"; fi

clean: ## remove what can be made again; var/ stays | 生成物を消す(var/ は残る)
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results mutants
	find . -name __pycache__ -prune -exec rm -rf {} + ; find . -name '*.mo' -path '*/locale/*' -delete

# The newest Python that runs (a shim may be there and not run), from 3.11 on.
.venv/bin/python:
	@for python in python3.13 python3.12 python3.11 python3 python; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Preparing .venv with $$($$python --version) …"; \
	    if uv --version >/dev/null 2>&1; then exec uv venv --quiet --allow-existing --python "$$(command -v $$python)" .venv; \
	    else exec $$python -m venv .venv; fi; \
	  fi; \
	done; echo "Todoke needs Python 3.11 or newer | Python 3.11 以上が必要です" >&2; exit 1

.venv/installed: requirements.txt | .venv/bin/python
	@$(call install,$<)

.venv/installed-dev: requirements-dev.txt | .venv/bin/python
	@$(call install,$<)
	@touch .venv/installed

node_modules/installed: package-lock.json
	@npm ci --silent --ignore-scripts && touch $@

# Whether Node.js is new enough, and the command $(1) of it is there. Only the checks and tests of the scripts need it.
has_node = command -v $(1) >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 18))' 2>/dev/null

# With hashes: a package that is not the one locked is refused.
define install
if uv --version >/dev/null 2>&1; then uv pip install --quiet --python $(PY) --require-hashes -r $(1); \
else $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); fi && touch $@
endef
