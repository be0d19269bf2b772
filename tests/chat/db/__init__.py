"""Tests of the way to the database."""
