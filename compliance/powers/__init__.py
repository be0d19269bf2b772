"""Who may what among staff, and the desk's shell: its pages, its navigation, and who one is asked again."""

from compliance.powers.desk import context, desk_page, needs_factor, register_desk_page
from compliance.powers.giving import Grant, ask_to_give, ask_to_reinstate, ask_to_remove_factors
from compliance.powers.identity import (
    asks_who_you_are,
    bring_surroundings,
    has_used_factor,
    keep_little,
    may_act,
    owns_factor,
    reauthenticated,
)
from compliance.powers.inviting import forget_invitations, old_invitations
from compliance.powers.leaving import recover, staff
from compliance.powers.mails import Waiting, on_duty, send_all, tell_on_duty
from compliance.records import groups_of, holders, make_groups, may, powers_of, would_hold

__all__ = [
    "Grant",
    "Waiting",
    "ask_to_give",
    "ask_to_reinstate",
    "ask_to_remove_factors",
    "asks_who_you_are",
    "bring_surroundings",
    "context",
    "desk_page",
    "forget_invitations",
    "groups_of",
    "has_used_factor",
    "holders",
    "keep_little",
    "make_groups",
    "may",
    "may_act",
    "needs_factor",
    "old_invitations",
    "on_duty",
    "owns_factor",
    "powers_of",
    "reauthenticated",
    "recover",
    "register_desk_page",
    "send_all",
    "staff",
    "tell_on_duty",
    "would_hold",
]
