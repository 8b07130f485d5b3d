"""A run's results for people and programs: text, Markdown, JSON, JUnit XML."""

from ws76proxy.probe.report.junit import as_junit
from ws76proxy.probe.report.machine import as_json
from ws76proxy.probe.report.markdown import as_markdown
from ws76proxy.probe.report.text import print_cases, print_report

__all__ = ["as_json", "as_junit", "as_markdown", "print_cases", "print_report"]
