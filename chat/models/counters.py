"""What rate limits that guard accounts remember."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """What a limit that guards accounts remembers, for all processes and over a restart; see `config.cache`."""

    key = models.CharField(max_length=64, primary_key=True)  # a keyed digest: it holds addresses of people
    value = models.TextField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]} until {self.expires_at:%H:%M:%S}"
