"""Records in the ledger who gets and loses power over the service: staff, groups, permissions, second factors.

Each save of an account, a group, a permission or a second factor compares what the account may do now with what the
ledger last said of it (`Actor.powers`), and records the difference. A bulk update or a statement in SQL sends no
signal: `reconcile` finds it at the next start of a server process and before each anchor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from compliance.models import Actor
from compliance.records import ledger
from compliance.records.events import Event

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_NOTHING: Final[Mapping[str, Any]] = {"staff": False, "active": True, "powers": [], "factors": []}
_WATCHED: Final = frozenset({"is_staff", "is_superuser", "is_active"})
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
_agreed: ContextVar[Mapping[str, Any] | None] = ContextVar("agreed", default=None)
_why: ContextVar[tuple[Any, Mapping[str, Any]] | None] = ContextVar("why", default=None)


class ActorMiddleware(MiddlewareMixin):
    """Keeps the request that is served, so that an entry can name who gave or took a power."""

    def process_request(self, request: HttpRequest) -> None:
        _request.set(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        _request.set(None)
        return response


@contextmanager
def under(agreed: Mapping[str, Any]) -> Iterator[None]:
    """Have the entries of a block name the approval under which powers are given or taken.

    Args:
        agreed: what `approvals.spend` returned for the act's entry.
    """
    token = _agreed.set(agreed)
    try:
        yield
    finally:
        _agreed.reset(token)


@contextmanager
def explained(actor: AbstractBaseUser | None, why: Mapping[str, Any]) -> Iterator[None]:
    """Have the entries that are recorded within name who did it, and carry what led to it.

    Args:
        actor: who acts; None for the service.
        why: goes into the payload, beside the account.
    """
    token = _why.set((actor, why))
    try:
        yield
    finally:
        _why.reset(token)


def reconcile() -> None:
    """Record what changed without a signal: of accounts with any power or a suspension, and of those that had one."""
    model = get_user_model()
    powerful = Q(is_staff=True) | Q(is_superuser=True) | Q(is_active=False)
    powerful |= Q(groups__isnull=False) | Q(user_permissions__isnull=False)
    found = set(model._default_manager.filter(powerful).values_list("pk", flat=True))  # noqa: SLF001 -- Django's own name
    for pk in sorted(found | set(_linked().values_list("user_id", flat=True))):
        record(pk, door="unseen")


def _linked() -> QuerySet[Actor]:
    return Actor.objects.filter(user__isnull=False)


def unlink(pks: Collection[Any]) -> None:
    """Cut erased accounts off from their references. The ledger goes on naming the reference, which leads nowhere."""
    Actor.objects.filter(user__in=pks).update(user=None)


def note_emptied(user: AbstractBaseUser) -> None:
    """Take over what an erased account may do, which is nothing, without an entry: `account.erased` says it."""
    actor = ledger.actor_of(user)
    actor.powers = _facts(user)
    actor.save(update_fields=("powers",))


def record(pk: Any, *, door: str = "") -> None:
    """Record what an account may do now, where it differs from what the ledger last said of it.

    Args:
        pk: of the account; nothing happens if it is gone.
        door: how it happened: `page`, `command`, or `unseen` where it was found afterwards. Default: one of the first.

    Raises:
        PermissionDenied: a page gives a power, or gives one back, and no second person agreed.
    """
    user = get_user_model()._default_manager.filter(pk=pk).first()  # noqa: SLF001 -- Django's own name
    if user is None:
        return
    with transaction.atomic():
        ledger.lock()
        known = Actor.objects.filter(user_id=pk).first()
        before, now = {**_NOTHING, **(known.powers if known else {})}, _facts(user)
        if before == now:
            return
        if not door and _request.get() is not None and _agreed.get() is None and _effective(now) - _effective(before):
            raise PermissionDenied(_("Nobody gives powers alone. Two persons do it, at the desk."))
        actor = known or ledger.actor_of(user)
        _write(actor.ref, before, now, door)
        actor.powers = now
        actor.save(update_fields=("powers",))


def _effective(facts: Mapping[str, Any]) -> set[str]:
    """Return what an account can use: nothing while it is suspended."""
    return {*facts["powers"], *(["staff"] if facts["staff"] else [])} if facts["active"] else set()


def _facts(user: Any) -> dict[str, Any]:
    powers = ["superuser"] if user.is_superuser else []
    powers += [_group(group) for group in user.groups.all()]
    powers += [_permission(each) for each in user.user_permissions.select_related("content_type")]
    rows = Authenticator.objects.filter(user_id=user.pk)
    factors = rows.values_list("type", flat=True) if watches_factors(user) else ()
    return {"staff": user.is_staff, "active": user.is_active, "powers": sorted(powers), "factors": sorted(factors)}


def watches_factors(user: Any) -> bool:
    """Return whether the ledger notes an account's second factors: those of staff, auditors included."""
    return bool(user.is_staff or user.is_superuser or user.groups.filter(name__in=ledger.ROLES).exists())


def _group(group: Group) -> str:
    # The name of any other group is free text: it may be somebody's name.
    return f"group:{group.name if group.name in ledger.ROLES else group.pk}"


def _permission(permission: Permission) -> str:
    return f"permission:{permission.content_type.app_label}.{permission.codename}"


def _write(ref: str, before: Mapping[str, Any], now: Mapping[str, Any], door: str) -> None:
    changes: list[tuple[Event, dict[str, Any]]] = []
    if before["staff"] != now["staff"]:
        changes.append((Event.STAFF_ADDED if now["staff"] else Event.STAFF_REMOVED, {}))
    if before["active"] != now["active"]:
        changes.append((Event.ACCOUNT_RESTORED if now["active"] else Event.ACCOUNT_SUSPENDED, {}))
    for name, given, taken in (
        ("powers", Event.POWER_GIVEN, Event.POWER_TAKEN),
        ("factors", Event.FACTOR_ADDED, Event.FACTOR_REMOVED),
    ):
        for event, more, less in ((given, now, before), (taken, before, now)):
            found = sorted((Counter(more[name]) - Counter(less[name])).elements())
            if found:
                changes.append((event, {name: found}))
    for event, what in changes:
        append(event, {"account": ref, **what}, door)


def append(event: Event, payload: Mapping[str, Any], door: str = "") -> None:
    """Append an entry in the name of the user whose request is served now, or of the service."""
    request = _request.get()
    if (explanation := _why.get()) is not None:
        actor, why = explanation
        ledger.append(event, actor=actor, payload={**payload, **why, "door": "page" if request else "command"})
        return
    user = getattr(request, "user", None) if door != "unseen" else None
    signed_in: AbstractBaseUser | None = user if user is not None and user.is_authenticated else None
    how = {**(_agreed.get() or {}), "door": door or ("page" if request else "command")}
    ledger.append(event, actor=signed_in, payload={**payload, **how})


# Signals --------------------------------------------------------------------------------------------------------------


def _saved(instance: Any, created: bool, raw: bool, update_fields: Any = None, **_kwargs: Any) -> None:  # noqa: FBT001 -- Django's
    if raw or (update_fields is not None and not _WATCHED & set(update_fields)):
        return
    plain = instance.is_active and not instance.is_staff and not instance.is_superuser
    if plain and (created or not Actor.objects.filter(user_id=instance.pk).exists()):
        return
    record(instance.pk)


def _belongs(instance: Any, action: str, reverse: bool, pk_set: Any, **_kwargs: Any) -> None:  # noqa: FBT001 -- Django's
    """An account joins or leaves a group, or is given or denied a permission of its own."""
    if not reverse:
        people = {instance.pk}
    elif action == "pre_clear":
        people = instance.cleared = set(instance.user_set.values_list("pk", flat=True))
    else:
        people = getattr(instance, "cleared", set()) if action == "post_clear" else pk_set
    if action.startswith("post_"):
        for pk in sorted(people):
            record(pk)


def _entitles(instance: Any, action: str, reverse: bool, pk_set: Any, **_kwargs: Any) -> None:  # noqa: FBT001 -- Django's
    """A group is given or denied permissions."""
    if action not in {"post_add", "post_remove", "pre_clear"}:
        return
    event = Event.POWER_GIVEN if action == "post_add" else Event.POWER_TAKEN
    other: Any = Group if reverse else Permission
    field = "group_set" if reverse else "permissions"
    chosen = getattr(instance, field).all() if action == "pre_clear" else other.objects.filter(pk__in=pk_set)
    for group, permissions in _by_group(instance, list(chosen), reverse=reverse):
        if permissions:
            append(event, {"group": _group(group), "powers": sorted(map(_permission, permissions))})


def _by_group(instance: Any, chosen: list[Any], *, reverse: bool) -> Iterator[tuple[Group, list[Permission]]]:
    yield from ((group, [instance]) for group in chosen) if reverse else [(instance, chosen)]


def _group_leaves(instance: Group, **_kwargs: Any) -> None:
    vars(instance)["members"] = list(instance.user_set.values_list("pk", flat=True))


def _group_left(instance: Group, **_kwargs: Any) -> None:
    for pk in vars(instance)["members"]:
        record(pk)


def _factor(instance: Authenticator, **_kwargs: Any) -> None:
    if Actor.objects.filter(user_id=instance.user_id).exists():  # staff have one from the day they are
        record(instance.user_id)


def connect() -> None:
    """Watch accounts, groups, permissions and second factors. Called once, when the app is ready."""
    model: Any = get_user_model()
    post_save.connect(_saved, sender=model, dispatch_uid="powers")
    for through in (model.groups.through, model.user_permissions.through):
        m2m_changed.connect(_belongs, sender=through, dispatch_uid="powers")
    m2m_changed.connect(_entitles, sender=Group.permissions.through, dispatch_uid="powers")
    pre_delete.connect(_group_leaves, sender=Group, dispatch_uid="powers")
    post_delete.connect(_group_left, sender=Group, dispatch_uid="powers")
    for signal in (post_save, post_delete):
        signal.connect(_factor, sender=Authenticator, dispatch_uid="powers")
