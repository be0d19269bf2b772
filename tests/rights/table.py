"""The table "who may what", from the contract, as data: each page, frame and page of the admin, and who is let in.

Nothing here is read from the code. A page or a frame that is added without a row fails the test that walks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Roles = frozenset[str]


def roles(names: str) -> Roles:
    """A set of roles, from their names."""
    return frozenset(names.split())


# The roles ------------------------------------------------------------------------------------------------------------

STAFF: Final = roles("moderator compliance operator auditor superuser")
ACCOUNTS: Final = STAFF | roles("member owner keeper factorless")
SIGNED_IN: Final = ACCOUNTS | {"guest"}
EVERYBODY: Final = SIGNED_IN | roles("stranger suspended")
"""`suspended` is an operator and moderator who was suspended; `factorless` an operator without a second factor."""
STRANGERS: Final = roles("stranger guest suspended")
NOBODY: Final = roles("")
FEW: Final = STRANGERS | roles("member operator")
"""Who knocks where it makes no difference which account somebody has."""

# The columns of the table in the contract; a superuser counts as operator, a suspended account as nobody.
WORDS: Final = roles("moderator operator superuser")
KEEPERS: Final = WORDS | roles("owner keeper")
PEOPLE: Final = roles("moderator operator superuser")
REPORTS: Final = roles("moderator compliance operator superuser")
ANSWERS: Final = roles("moderator")
CASES: Final = roles("compliance")
BREAKS_GLASS: Final = roles("compliance operator superuser")
RUNS: Final = roles("operator superuser")
SECONDS: Final = roles("operator superuser compliance")
RECORD: Final = roles("compliance operator auditor superuser")
OWN_ACTS: Final = RECORD | {"moderator"}
PARTIES: Final = roles("member")
"""Of the closed talk."""


@dataclass(frozen=True, slots=True)
class Row:
    """Who is let in at a page.

    Attributes:
        get: who may look.
        post: who may send.
        data: what is sent.
        done: whether only a redirect tells that what was sent was done; a page of faults comes back else.
    """

    get: Roles
    post: Roles
    data: Mapping[str, Any] = field(default_factory=dict)
    done: bool = False

    @property
    def treats_accounts_alike(self) -> bool:
        """Whether it makes no difference which account somebody has."""
        return all(who >= ACCOUNTS or not who & ACCOUNTS for who in (self.get, self.post))


def same(who: Roles, **fields: Any) -> Row:
    """The same people may look and send."""
    done = bool(fields.pop("done", False))
    return Row(who, who, fields, done=done)


# The pages ------------------------------------------------------------------------------------------------------------

OPEN: Final = same(EVERYBODY)
OWN: Final = same(SIGNED_IN)
MEMBERS: Final = same(ACCOUNTS)
WITH_WHY: Final = {"reason": "監査のため"}

PAGES: Final[Mapping[str, Row]] = {
    # Everybody reads and enters open rooms; the pages of the law are public.
    "/": OPEN,
    "/rooms/<slug:slug>/": OPEN,
    "/rooms/<slug:slug>/events": OPEN,
    "/guest/": OPEN,
    "/metrics": same(NOBODY),  # for callers from inside the network
    "/i18n/setlang/": OPEN,
    "/legal/": OPEN,
    "/legal/external-transmission/": OPEN,
    "/legal/retention/": OPEN,
    "/legal/terms/": OPEN,
    "/legal/privacy/": OPEN,
    "/legal/complaints/": OPEN,
    "/legal/transparency/": OPEN,
    "/legal/requests/": OPEN,
    "/legal/closing/": OPEN,
    "/api/gate/": OPEN,
    # What is one's own.
    "/account/": OWN,
    "/account/export/": OWN,
    "/account/leave/": MEMBERS,
    "/reports/": OWN,
    "/appeals/": OWN,
    "/appeals/<str:token>/": OPEN,  # the link of the mail is the key
    "/rooms/<slug:slug>/report/": OWN,
    "/rooms/new/": MEMBERS,
    # Keepers.
    "/rooms/<slug:slug>/keep/": same(KEEPERS),
    "/rooms/<slug:slug>/lock/": same(roles("owner")),
    # Closed talk: its parties, and nobody of the staff.
    "/match/": Row(EVERYBODY, ACCOUNTS),  # it says to strangers what it is
    # A stream opens to anybody; whoever may not read is told so in it (see the frames), and gets nothing else.
    "/match/events": OPEN,
    "/closed/<uuid:room_id>/": same(PARTIES),
    "/closed/<uuid:room_id>/events": OPEN,
    "/closed/<uuid:room_id>/report/": same(PARTIES),
    # The desk.
    "/desk/": same(STAFF),
    "/desk/reports/": same(REPORTS),
    "/desk/reports/<uuid:report_id>/": Row(REPORTS, ANSWERS, {"outcome": "no_ground"}, done=True),
    "/desk/people/": same(PEOPLE),
    "/desk/people/<uuid:ref>/": same(PEOPLE),
    "/desk/rooms/<slug:slug>/": same(WORDS),
    "/desk/appeals/": same(PEOPLE),
    "/desk/cases/": same(CASES),
    "/desk/cases/new/": same(CASES),
    "/desk/cases/<uuid:case_id>/": same(CASES, act="days"),
    "/desk/cases/<uuid:case_id>/papers/<int:paper_id>/": same(CASES),
    "/desk/disclosures/": same(BREAKS_GLASS),
    "/desk/disclosures/new/": same(BREAKS_GLASS),
    # Asked for by compliance, so that an operator is the second person.
    "/desk/disclosures/<uuid:disclosure_id>/": Row(BREAKS_GLASS, roles("operator superuser"), {"act": "approve"}),
    "/desk/approvals/": same(SECONDS),
    # Asked for by the operator, so that another one, or compliance, is the second person.
    "/desk/approvals/<uuid:key>/": Row(SECONDS, roles("superuser compliance"), {"act": "approve"}),
    "/desk/second/<str:token>/": same(EVERYBODY - {"operator"}, act="refuse", note="いいえ"),
    "/desk/staff/": Row(RECORD, RUNS, {"address": "somebody@example.jp", "group": "auditor", **WITH_WHY}),
    "/desk/staff/<str:ref>/": same(RUNS, act="factor"),
    "/desk/invitations/<uuid:key>/": same(RUNS),
    # The link shows an invitation to whoever has a second factor; only whose address was invited accepts.
    "/desk/invitation/<str:token>/": Row(STAFF | {"owner"}, roles("owner")),
    "/desk/log/": same(OWN_ACTS),
    # The gate pages outside the admin.
    "/operator/assess/": same(RUNS),
    "/operator/assess/anew/": same(RUNS),
    "/operator/assess/verdict/": same(RUNS),
    "/operator/assess/<slug:key>/": same(RUNS),
    "/operator/filing/": same(RUNS),
    "/operator/filing/draft/": same(RUNS),
    "/operator/filing/draft.txt": same(RUNS),
    "/operator/filing/form-3.svg": same(RUNS),
    "/operator/calendar/<slug:key>.ics": OPEN,  # the address is the key: a calendar signs in nowhere
}

ACCOUNTS_PAGES: Final[Mapping[str, Row]] = {
    # Who comes in; a guest is a stranger who may.
    **dict.fromkeys(
        (
            "login/",
            "logout/",
            "signup/",
            "inactive/",
            "confirm-email/(?P<key>[-:\\w]+)/$",
            "password/reset/",
            "password/reset/done/",
            "password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
            "password/reset/key/done/",
        ),
        OPEN,
    ),
    # Nothing is under way here: whoever is not in is sent to sign in.
    "2fa/webauthn/login/": Row(EVERYBODY, ACCOUNTS),
    "login/code/confirm/": MEMBERS,
    "2fa/authenticate/": MEMBERS,
    "confirm-email/": same(ACCOUNTS | {"guest", "suspended"}),
    # What is one's own; nobody here has recovery codes or a passkey, and only staff and one member have an app.
    "reauthenticate/": MEMBERS,
    "email/": MEMBERS,
    "password/change/": MEMBERS,
    "password/set/": MEMBERS,
    "2fa/": MEMBERS,
    "2fa/reauthenticate/": MEMBERS,
    "2fa/totp/activate/": MEMBERS,
    "2fa/totp/deactivate/": same(STAFF | {"owner"}),
    "2fa/recovery-codes/": same(NOBODY),
    "2fa/recovery-codes/generate/": MEMBERS,
    "2fa/recovery-codes/download/": same(NOBODY),
    "2fa/webauthn/": MEMBERS,
    "2fa/webauthn/add/": MEMBERS,
    "2fa/webauthn/reauthenticate/": MEMBERS,
    "2fa/webauthn/keys/<int:pk>/remove/": same(NOBODY),
    "2fa/webauthn/keys/<int:pk>/edit/": same(NOBODY),
}

# The admin: gate pages for who runs the service, the ledger for who sees the record, holds for who has the cases.
ADMIN: Final[Mapping[str, Row]] = {
    "/admin/compliance/checklist/": same(RUNS),
    "/admin/compliance/stop/": same(RUNS),
    "/admin/compliance/calendar/": same(RUNS),
    "/admin/compliance/closing/": same(RUNS),
    "/admin/compliance/signature/": same(RUNS),
    "/admin/compliance/authorisation/": same(RUNS),
    "/admin/compliance/ledgerentry/": same(RECORD),
    "/admin/compliance/hold/": same(CASES | RUNS),
    "/admin/chat/user/": same(roles("superuser")),
    "/admin/chat/room/": same(roles("superuser")),
    "/admin/account/emailaddress/": same(roles("superuser")),
    # Leads them in, and the others to sign in; an auditor, who appears as a plain member, comes by the desk.
    "/admin/login/": same((STAFF | {"factorless"}) - {"auditor"}),
    "/admin/logout/": OPEN,
    "/admin/jsi18n/": same(STAFF | {"factorless"}),
    "/admin/password_change/": same(STAFF),
}
"""By the beginning of the address. A superuser, who has every permission of Django, also sees accounts and rooms."""
EXACTLY: Final[Mapping[str, Row]] = {
    "/admin/": same(STAFF),
    "/admin/compliance/": same(RECORD),
    "/admin/compliance/hold/add/": same(CASES | {"superuser"}),
    "/admin/chat/user/add/": same(roles("superuser")),
    "/admin/1": same(NOBODY),  # there is no such page
    "/admin/compliance/calendar/": Row(RUNS, RUNS, {"_revoke": "1"}),
    "/admin/compliance/calendar/record/1/": same(NOBODY),  # nothing was recorded
    "/admin/compliance/calendar/outage/1/": same(NOBODY),
    "/admin/compliance/checklist/LAW-01/files/evidence/": same(NOBODY),  # no file was handed in
}
"""By the whole address, where a page is for others than those beside it."""
NEVER: Final = ("/add/", "/delete/", "/password/")
"""Other pages of the admin that nobody has: rows are proof, or people's own."""
PROOF: Final = ("/admin/compliance/ledgerentry/", "/admin/compliance/signature/", "/admin/compliance/authorisation/")
"""What everybody only looks at, whoever they are."""
HOLDS: Final = "/admin/compliance/hold/"
OWN_ADDRESSES: Final = "/admin/account/emailaddress/"


def row_of(pattern: str, path: str) -> Row | None:
    """The row of a page; None where there is none."""
    if path.startswith("/admin/"):
        leads_on = pattern.endswith("/<path:object_id>/")  # to the page of the row, which asks
        return same(STAFF) if leads_on else EXACTLY.get(path) or _of_admin(path)
    if pattern.startswith("/accounts/"):
        return ACCOUNTS_PAGES.get(pattern.removeprefix("/accounts/").removeprefix("^"))
    return PAGES.get(pattern)


def _of_admin(path: str) -> Row | None:
    fits = [start for start in ADMIN if path.startswith(start)]
    if fits and path.endswith(NEVER):
        return same(NOBODY)
    row = ADMIN[max(fits, key=len)] if fits else None
    if row is None or not path.endswith("/change/"):
        return row
    if path.startswith((*PROOF, OWN_ADDRESSES)):
        return Row(row.get, NOBODY)
    return Row(row.get, row.post - {"operator"}) if path.startswith(HOLDS) else row  # an operator looks at holds


# The frames -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """Who may say a frame: of an open room and somebody else's message there, and of a closed talk."""

    opened: Roles
    closed: Roles = PARTIES
    fields: Mapping[str, Any] = field(default_factory=dict)


ALL_BUT_STRANGERS: Final = SIGNED_IN
FRAMES: Final[Mapping[str, Said]] = {
    "room.join": Said(EVERYBODY),
    "room.sync": Said(EVERYBODY, fields={"after": 0}),
    "room.history": Said(EVERYBODY, fields={"before": 9}),
    "room.writing": Said(EVERYBODY),
    "message.post": Said(SIGNED_IN, fields={"body": "やあ", "client_id": "new"}),
    "message.edit": Said(NOBODY, NOBODY, {"seq": "theirs", "body": "書き換え"}),
    "message.delete": Said(KEEPERS, NOBODY, {"seq": "theirs", "body": "規約違反"}),
    "message.restore": Said(KEEPERS, NOBODY, {"seq": "removed"}),
    "report.create": Said(SIGNED_IN, fields={"seqs": "theirs", "reason": "spam"}),
    "person.block": Said(SIGNED_IN, SIGNED_IN, {"user": "culprit"}),
    "person.unblock": Said(SIGNED_IN, SIGNED_IN, {"user": "culprit"}),
    "match.seek": Said(ACCOUNTS, ACCOUNTS),
    "match.cancel": Said(SIGNED_IN, SIGNED_IN),  # of one's own waiting
    "match.leave": Said(NOBODY, PARTIES),
    "room.leave": Said(EVERYBODY),
    "ping": Said(EVERYBODY, EVERYBODY),
}
SILENT: Final = frozenset({"typing", "room.seen"})
"""Said in rooms that one has joined; nothing answers, and nothing of another person is reached."""
