"""The command line: reads flags, calls the public API, prints. Flags, JSON keys, exit codes: a contract."""

from genmlip.cli.app import main

__all__ = ["main"]
