"""Guests and members: names, addresses, accounts, sessions."""

from chat.people.accounts import origin
from chat.people.authenticator import Authenticator
from chat.people.blocks import BlockLists, Ended, block, blocked_by, on_block, unblock
from chat.people.display_names import clean_line, clean_name, free_name
from chat.people.frames import serve_frames
from chat.people.guest_form import GuestForm
from chat.people.members_only import member_required
from chat.people.membership import (
    CODE_TTL,
    Outcome,
    ask_for_membership,
    become_member,
    change_code,
    enter_as_guest,
    pending_signup,
)
from chat.people.person import Person
from chat.people.preferences import chosen_language
from chat.people.queries import find_person, has_account, has_verified_address, name_of_person, people_now
from chat.people.sanctions import (
    SUSPENDED,
    Mute,
    Origins,
    active,
    bind_network,
    carry,
    continue_acts,
    leave_acts,
    muted_until,
    mutes_of,
    network_digest,
    network_mutes,
    permit_person,
    reinstate_expired,
    when,
)
from chat.people.sessions import (
    REVOCATIONS_KEPT,
    Login,
    authenticate,
    recent_revocations,
    renew_sessions,
    revoked_logins,
)

__all__ = [
    "CODE_TTL",
    "REVOCATIONS_KEPT",
    "SUSPENDED",
    "Authenticator",
    "BlockLists",
    "Ended",
    "GuestForm",
    "Login",
    "Mute",
    "Origins",
    "Outcome",
    "Person",
    "active",
    "ask_for_membership",
    "authenticate",
    "become_member",
    "bind_network",
    "block",
    "blocked_by",
    "carry",
    "change_code",
    "chosen_language",
    "clean_line",
    "clean_name",
    "continue_acts",
    "enter_as_guest",
    "find_person",
    "free_name",
    "has_account",
    "has_verified_address",
    "leave_acts",
    "member_required",
    "muted_until",
    "mutes_of",
    "name_of_person",
    "network_digest",
    "network_mutes",
    "on_block",
    "origin",
    "pending_signup",
    "people_now",
    "permit_person",
    "recent_revocations",
    "reinstate_expired",
    "renew_sessions",
    "revoked_logins",
    "serve_frames",
    "unblock",
    "when",
]
