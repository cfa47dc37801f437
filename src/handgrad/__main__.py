"""Run the command line as ``python -m handgrad``."""

from handgrad.cli import run

run()
