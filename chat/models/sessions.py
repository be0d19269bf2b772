"""What revokes sessions, and what changes who somebody is."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class LoginEnd(models.Model):
    """Something that ends logins: a session that went, or an account whose sessions no longer hold.

    It also names accounts with another name or role than before: the processes that have them connected read them anew.

    Written by triggers of the database, whoever changes what there, so that the processes need not look at all who are
    connected to find the few. Of either kind the other column is empty.
    """

    session = models.CharField(max_length=40, blank=True)
    person = models.BigIntegerField(null=True)  # no reference: the account may be gone
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (models.Index(fields=("at",), name="logins_that_ended_lately"),)

    def __str__(self) -> str:
        return self.session or str(self.person)
