"""The planned end of closed chat; its day and notice stand in the gate's row."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from compliance.models.gate import GateState


class Closing(GateState):
    """The planned end's page in the admin: a place and its permissions, no table of its own."""

    class Meta:
        proxy = True
        verbose_name = _("planned end")
        verbose_name_plural = _("planned end")
        default_permissions = ("view",)
        permissions = (("announce_end", "Can announce and withdraw a planned end"),)
