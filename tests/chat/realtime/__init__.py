"""Tests of real time."""
