#!/usr/bin/env python
"""Runs Django's and this project's commands."""

import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    # Imported for its effect: it names the settings module, so that no other file touches the environment.
    import config  # noqa: F401

    execute_from_command_line(sys.argv)
