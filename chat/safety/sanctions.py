"""Acts on people: warn, mute and suspend them, everywhere or in one open room, and lift an act again.

Each act is one transaction, takes effect with its commit, tells the person, and is on record.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from chat import rooms
from chat.models import REASON_LENGTH, AddressMute, Appeal, Reason, Role, Room, Sanction, Ticket, User
from chat.people import active, muted_until
from chat.protocol import Code, Refused
from chat.retention import overdue
from chat.safety.mails import tell
from compliance.law.powers import Power
from compliance.powers import may_act, would_hold
from compliance.records import ledger, powers
from compliance.records.events import Event

MOST: Final = timedelta(days=366)
"""The longest that a mute holds. What should hold for good is a suspension."""
_EVENTS: Final = {
    Sanction.Kind.WARN: Event.PERSON_WARNED,
    Sanction.Kind.MUTE: Event.PERSON_MUTED,
    Sanction.Kind.SUSPEND: Event.ACCOUNT_SUSPENDED,
}


def act(
    *,
    kind: Sanction.Kind,
    user: User,
    actor: User,
    reason: str,
    rule: Reason,
    until: datetime | None = None,
    room: Room | None = None,
    origin: str = "",
) -> Sanction:
    """Warn, mute or suspend somebody, and tell them.

    Args:
        kind: of the act.
        user: on whom.
        actor: staff with the power over people; a keeper mutes in their own room.
        reason: in the actor's words, without those of a talk: the person reads it.
        rule: of the terms.
        until: until when; a mute names it, a suspension may.
        room: the open room in which a mute or a warning holds; None for everywhere.
        origin: scheme and host under which the mail's links lead here; empty for none.

    Returns:
        the act.

    Raises:
        Refused: `forbidden` without the power, on staff, on oneself or by a keeper on who keeps the room; `missing` for
            a closed room; `protocol` without a reason or a fitting time.
    """
    now = timezone.now()
    reason = clean_reason(reason)
    _check(kind, until, now)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        by = _role(kind, user, actor, room)
        made = Sanction.objects.create(
            kind=kind, user=user, room=room, reason=reason, rule=rule, at=now, until=until, by=actor, by_role=by
        )
        user.has_unread_act = True
        user.muted_until = muted_until(user, now)
        user.save(update_fields=("has_unread_act", "muted_until"))
        if kind != Sanction.Kind.WARN and room is None:
            Ticket.objects.filter(user=user, room__isnull=True).delete()
        if kind == Sanction.Kind.SUSPEND and user.is_active:
            _set_active(user, actor, _payload(made), active=False)  # which writes the entry
        else:
            ledger.append(_EVENTS[kind], actor=actor, payload={"account": ledger.actor_of(user).ref} | _payload(made))
        transaction.on_commit(lambda: tell(made, origin))
    return made


def lift(*, sanction: Sanction, actor: User, note: str = "", origin: str = "") -> None:
    """End an act before its time, and tell the person.

    Args:
        sanction: the act.
        actor: staff with the power over people; a keeper lifts what a keeper of the room did.
        note: why, for the record; a person's own words do not belong here.
        origin: see `act`.

    Raises:
        Refused: `forbidden` without the power, on oneself, or of an account that would hold powers; `conflict` if it
            was lifted before.
    """
    now = timezone.now()
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=sanction.user_id)
        sanction = Sanction.objects.select_for_update().get(pk=sanction.pk)
        if user.pk == actor.pk:
            raise Refused(Code.FORBIDDEN, _("Nobody acts on themselves."))
        in_their_room = sanction.by_role == Role.KEEPER and sanction.room is not None
        if not may_act(actor, Power.PEOPLE) and not (
            in_their_room and sanction.room is not None and rooms.keeps(sanction.room, actor.pk)
        ):
            raise Refused(Code.FORBIDDEN, _("You may not do this."))
        if sanction.lifted_at is not None:
            raise Refused(Code.CONFLICT, _("This act was lifted before."))
        sanction.lifted_at = sanction.changed_at = now
        sanction.lifted_by = actor
        sanction.save(update_fields=("lifted_at", "lifted_by", "changed_at"))
        AddressMute.objects.filter(sanction=sanction).delete()
        # Nobody decides any more whether it stands.
        waiting = Appeal.objects.filter(sanction=sanction, outcome="")
        waiting.update(outcome=Appeal.Outcome.LIFTED, decided_at=now, decided_by=actor)
        user.has_unread_act = True
        user.muted_until = muted_until(user, now)
        user.save(update_fields=("has_unread_act", "muted_until"))
        payload = {"act": str(sanction.public_id)}
        if may_act(actor, Power.PEOPLE) and note:
            payload["note"] = note[:REASON_LENGTH]
        is_over = not active(now, Sanction.Kind.SUSPEND).filter(user=user).exists()
        if sanction.kind == Sanction.Kind.SUSPEND and is_over and not user.is_active:
            if would_hold(user):
                raise Refused(Code.FORBIDDEN, _("This account holds powers. Two persons let it back in: see Staff."))
            _set_active(user, actor, payload, active=True)
        ledger.append(Event.SANCTION_LIFTED, actor=actor, payload={"account": ledger.actor_of(user).ref} | payload)
        transaction.on_commit(lambda: tell(sanction, origin))


def clean_reason(reason: str) -> str:
    """Return a reason as it is stored.

    Raises:
        Refused: `protocol` if it is empty.
    """
    cleaned = " ".join(reason.split())[:REASON_LENGTH]
    if not cleaned:
        raise Refused(Code.PROTOCOL, _("Give a reason: the person reads it."))
    return cleaned


def _check(kind: Sanction.Kind, until: datetime | None, now: datetime) -> None:
    if until is not None and (kind == Sanction.Kind.WARN or until <= now):
        raise Refused(Code.PROTOCOL, _("A warning has no end, and every other act ends in the future."))
    if kind == Sanction.Kind.MUTE and (until is None or until > now + MOST):
        raise Refused(Code.PROTOCOL, _("A mute ends within a year. To shut somebody out for good, suspend them."))


def _role(kind: Sanction.Kind, user: User, actor: User, room: Room | None) -> str:
    """Return as what the actor acts, or refuse it."""
    if room is not None and not room.is_open:
        raise rooms.missing()  # in closed rooms staff act on accounts only
    if room is not None and kind == Sanction.Kind.SUSPEND:
        raise Refused(Code.PROTOCOL, _("A suspension holds everywhere."))
    if user.pk == actor.pk:
        raise Refused(Code.FORBIDDEN, _("Nobody acts on themselves."))
    if would_hold(user):
        raise Refused(Code.FORBIDDEN, _("This is a member of staff: their powers are taken first."))
    if may_act(actor, Power.PEOPLE):
        return Role.STAFF.value
    keeps = room is not None and kind == Sanction.Kind.MUTE and actor.is_active and rooms.keeps(room, actor.pk)
    if room is None or not keeps:
        raise Refused(Code.FORBIDDEN, _("You may not do this."))
    if rooms.keeps(room, user.pk):
        raise Refused(Code.FORBIDDEN, _("This person keeps the room, too."))
    return Role.KEEPER.value


def _set_active(user: User, actor: User, why: dict[str, Any], *, active: bool) -> None:
    user.is_active = active
    with powers.explained(actor, why):
        user.save(update_fields=("is_active",))


def _payload(made: Sanction) -> dict[str, Any]:
    # What a keeper gives as reason is the word of a user, and the ledger forgets nothing.
    reason = {"reason": made.reason} if made.by_role == Role.STAFF else {}
    return {
        "act": str(made.public_id),
        "as": made.by_role,
        "rule": made.rule,
        "until": ledger.stamp(made.until) if made.until else None,
        "room": str(made.room_id) if made.room_id else None,
        **reason,
    }


def acts_on(user: User) -> list[Sanction]:
    """Return every act on a person within its period, newest first."""
    known = Sanction.objects.select_related("room", "by", "lifted_by", "appeal__decided_by")
    known = known.exclude(pk__in=overdue("acts"))
    return list(known.filter(user=user).order_by("-at", "-pk"))


def in_effect(user: User) -> list[Sanction]:
    """Return the acts that hold for a person now, and what they have not read yet, newest first."""
    now = timezone.now()
    holds = Q(lifted_at__isnull=True) & (Q(until__isnull=True) | Q(until__gt=now)) & ~Q(kind=Sanction.Kind.WARN)
    mine = Sanction.objects.filter(holds | Q(seen_at__isnull=True) | Q(seen_at__lt=F("changed_at")), user=user)
    return list(mine.select_related("room").order_by("-at", "-pk"))


def mark_read(user: User) -> None:
    """Note that somebody has read what was done to them."""
    if user.has_unread_act:
        Sanction.objects.filter(user=user).update(seen_at=timezone.now())
        User.objects.filter(pk=user.pk).update(has_unread_act=False)
        user.has_unread_act = False
