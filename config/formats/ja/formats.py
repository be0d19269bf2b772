"""Moments in Japanese: day and time stand apart."""

DATETIME_FORMAT = "Y年n月j日 G:i"
