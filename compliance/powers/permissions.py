"""Lets the powers of a group open pages of the admin: Django asks here which permissions an account has.

The table of the law is the only place that says who may what. No row of the database gives a group a permission.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.backends import BaseBackend

from compliance.law.powers import Power
from compliance.records import powers_of

PERMISSIONS: Final[Mapping[Power, frozenset[str]]] = {
    Power.RUN: frozenset(
        {
            "compliance.view_checklist",
            "compliance.sign_checklist",
            "compliance.view_stop",
            "compliance.pull_stop",
            "compliance.view_calendar",
            "compliance.keep_calendar",
            "compliance.view_closing",
            "compliance.announce_end",
            "compliance.view_signature",
            "compliance.view_authorisation",
        }
    ),
    Power.RECORD: frozenset({"compliance.view_ledgerentry"}),
    Power.CASES: frozenset({"compliance.view_hold", "compliance.add_hold", "compliance.change_hold"}),
    Power.CASES_SECOND: frozenset({"compliance.view_hold"}),
}
"""What of the admin a power opens: the gate pages, the ledger with its proof, the holds."""
_REMEMBERED: Final = "_permissions_by_power"


class PowersBackend(BaseBackend):
    """Knows permissions by power, and signs nobody in."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return what an account may do in the admin by its powers. Asked once for each request's account."""
        if obj is not None or not user_obj.is_active:
            return set()
        known: dict[str, Any] = vars(user_obj)
        if _REMEMBERED not in known:
            known[_REMEMBERED] = {name for power in powers_of(user_obj) for name in PERMISSIONS.get(power, ())}
        found: set[str] = known[_REMEMBERED]
        return found

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Return whether a power of the account gives a permission."""
        return perm in self.get_all_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Return whether a power of the account opens anything of an app."""
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))
