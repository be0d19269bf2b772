"""Moments in English: a time of 24 hours. Django's "a.m." has a full stop of its own at the end of a sentence."""

DATETIME_FORMAT = "j F Y, H:i"
