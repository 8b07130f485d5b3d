# Shortcuts; the README says what they stand for.
PYTHON ?= python3

.PHONY: demo test check bench docs probe-reports

demo:
	$(PYTHON) -m ws76proxy demo

test:
	$(PYTHON) -m pytest

check:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

bench:
	$(PYTHON) -m benchmarks --markdown docs/benchmarks-table.md

docs:
	$(PYTHON) -m ws76proxy.diagnosis docs/findings.md
	$(PYTHON) -m tests.interop.browser_page docs/browser.md
	$(PYTHON) -m ws76proxy.cli.reference docs/cli.md
	$(PYTHON) -m ws76proxy.record docs/records.schema.json ws76proxy/records.schema.json
	$(PYTHON) -m ws76proxy.rules docs/rules.schema.json ws76proxy/rules.schema.json
	$(PYTHON) -m tests.explain.page
	$(PYTHON) -m tests.bridge.page

# From the real servers of tests/interop, which must be installed.
probe-reports:
	$(PYTHON) -m tests.interop.probing docs/probe-reports
