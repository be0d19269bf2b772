"""Pages about acts: one's own and the appeals, a room's keepers, and the desk's cards of people and rooms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages as flash
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chat import rooms
from chat.messages import removed_words, restore_words
from chat.models import Appeal, Message, Reason, RemovedMessage, Room, Sanction, User
from chat.people import active, member_required, origin
from chat.protocol import Refused
from chat.safety import appeals, keepers, sanctions
from chat.safety.forms import ActForm, AppealForm, DecisionForm, MuteForm, NameForm, RoomRulesForm
from chat.safety.mails import read_token
from compliance.gate import door
from compliance.law import Feature
from compliance.law.powers import Power
from compliance.powers import desk_page, may

LATEST = 50
_POST = require_http_methods(["GET", "HEAD", "POST"])


# One's own ------------------------------------------------------------------------------------------------------------


@door(Feature.ACCOUNT)
@_POST
@never_cache
def own_acts(request: HttpRequest) -> HttpResponse:
    """Show somebody the acts on them, and take an appeal against one."""
    user = request.user
    if not isinstance(user, User):
        return redirect_to_login(request.get_full_path())
    chosen = Sanction.objects.filter(user=user, pk__in=_pk(request.POST.get("act", ""))).first()
    cards = _cards(sanctions.acts_on(user))
    for card in cards:
        card["form"] = AppealForm(request.POST if card["act"] == chosen else None, auto_id=_ids(card["act"]))
    form = next((card["form"] for card in cards if card["act"] == chosen), None)
    if chosen is not None and form is not None and form.is_valid():
        if _did(request, lambda: appeals.appeal(sanction=chosen, words=form.cleaned_data["words"])):
            flash.success(request, _("Your appeal is noted. You will be told what is decided."))
        return redirect("chat:appeals")
    page = render(request, "chat/safety/appeals.html", {"own": cards})
    sanctions.mark_read(user)
    return page


@door(Feature.ACCOUNT)
@_POST
@never_cache
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show one act, and take an appeal, to whom a link of a mail or of the sign-in page leads here."""
    key = read_token(token)
    act = Sanction.objects.select_related("user", "room", "appeal").filter(pk__in=_pk(key or "")).first()
    if act is None:
        raise Http404
    form = AppealForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if _did(request, lambda: appeals.appeal(sanction=act, words=form.cleaned_data["words"])):
            flash.success(request, _("Your appeal is noted. You will be told what is decided."))
        return redirect("chat:appeal_by_link", token)
    own = [_cards([act])[0] | {"form": form}]
    return render(request, "chat/safety/appeals.html", {"own": own, "by_link": True})


def _ids(act: Sanction) -> str:
    """Return the ids of the fields about an act: several acts stand on one page."""
    return f"{act.public_id.hex}_%s"


def _cards(acts: list[Sanction]) -> list[dict[str, Any]]:
    now = timezone.now()
    return [
        {
            "act": act,
            "appeal": getattr(act, "appeal", None),
            "rule": Reason(act.rule).label,
            "kind": Sanction.Kind(act.kind).label,
            "holds": act.lifted_at is None
            and act.kind != Sanction.Kind.WARN
            and (act.until is None or act.until > now),
            "appealable": act.lifted_at is None and not hasattr(act, "appeal"),
        }
        for act in acts
    ]


# A room's keepers -----------------------------------------------------------------------------------------------------


@door(Feature.ROOM_OPEN)
@_POST
@member_required
@never_cache
def keep(request: HttpRequest, slug: str) -> HttpResponse:
    """Let those who keep an open room restrict it, name keepers, and mute somebody in it."""
    room, user = _open_room(slug), request.user
    if not isinstance(user, User) or not keepers.may_keep(room, user):
        raise Http404
    if request.method == "POST":
        _keep(request, room, user)
        return redirect("chat:keep", slug)
    return render(request, "chat/safety/keep.html", _room_context(room, user) | {"room": rooms.describe(room)})


def _room_context(room: Room, user: User) -> dict[str, Any]:
    now = timezone.now()
    rules = {name: getattr(room, name) for name in ("slow_seconds", "members_only", "announce_only")}
    muted = active(now, Sanction.Kind.MUTE).filter(room=room).select_related("user").order_by("-at")
    return {
        "found": room,
        "rules": RoomRulesForm(initial=rules | {"archived": room.archived_at is not None}),
        "keepers": rooms.keepers_of(room),
        "owner": room.created_by,
        "may_name": keepers.may_name(room, user),
        "name_form": NameForm(),
        "muted": list(muted),
        "writers": _writers(room),
        "mute_form": MuteForm(),
        "own_pk": user.pk,
    }


def _writers(room: Room) -> list[User]:
    """Return who wrote in a room lately, last first."""
    lately = Message.objects.filter(room=room, seq__gt=room.head - 200, author__isnull=False).order_by("-seq")
    pks = list(dict.fromkeys(lately.values_list("author_id", flat=True)))[:LATEST]
    found = User.objects.in_bulk(pks)
    return [found[pk] for pk in pks if pk in found]


def _keep(request: HttpRequest, room: Room, user: User) -> None:
    what = request.POST.get("do", "")
    if what == "rules" and (form := RoomRulesForm(request.POST)).is_valid():
        _did(request, lambda: keepers.restrict_room(room=room, actor=user, **form.cleaned_data))
    elif what == "name" and (named := NameForm(request.POST)).is_valid():
        wanted = named.cleaned_data["name"].strip()
        people = [writer for writer in _writers(room) if writer.name == wanted and not writer.is_guest]
        if not people:
            flash.error(request, _("No member of this name has written here lately."))
        else:
            _did(request, lambda: keepers.name_keeper(room=room, actor=user, user=people[0]))
    elif what == "remove" and (other := _person(request.POST.get("person", ""))) is not None:
        _did(request, lambda: keepers.remove_keeper(room=room, actor=user, user=other))
    elif what == "mute" and (mute := MuteForm(request.POST)).is_valid():
        person = _person(str(mute.cleaned_data["person"]))
        if person is not None:
            until = timezone.now() + mute.lasts
            made = partial(sanctions.act, kind=Sanction.Kind.MUTE, user=person, actor=user, room=room, until=until)
            rule, reason = Reason(mute.cleaned_data["rule"]), mute.cleaned_data["reason"]
            _did(request, lambda: made(rule=rule, reason=reason, origin=origin(request)))
    elif what == "lift" and (act := _act(request)) is not None and act.room_id == room.pk:
        _did(request, lambda: sanctions.lift(sanction=act, actor=user, origin=origin(request)))
    else:
        flash.error(request, _("Something is missing. Nothing was changed."))


# The desk -------------------------------------------------------------------------------------------------------------


@desk_page(Power.PEOPLE)
@_POST
def person_card(request: HttpRequest, ref: UUID) -> HttpResponse:
    """Show what is known of a person's standing, and act on them."""
    person = User.objects.filter(public_id=ref).first()
    if person is None:
        raise Http404
    form = ActForm(request.POST if request.POST.get("do") == "act" else None)
    if request.method == "POST":
        if request.POST.get("do") == "lift" and (act := _act(request)) is not None and act.user_id == person.pk:
            note = request.POST.get("note", "")
            _did(request, lambda: sanctions.lift(sanction=act, actor=_me(request), note=note, origin=origin(request)))
            return redirect("chat:desk_person", ref)
        if request.POST.get("do") == "restore":
            _restore(request, removed_words(author=person))
            return redirect("chat:desk_person", ref)
        if form.is_valid():
            until = timezone.now() + form.lasts if form.lasts else None
            made = partial(sanctions.act, user=person, actor=_me(request), until=until, origin=origin(request))
            kind, rule = Sanction.Kind(form.cleaned_data["kind"]), Reason(form.cleaned_data["rule"])
            if _did(request, lambda: made(kind=kind, rule=rule, reason=form.cleaned_data["reason"])):
                return redirect("chat:desk_person", ref)
    said = Message.objects.filter(
        room__kind=Room.Kind.OPEN, author=person, kind=Message.Kind.MESSAGE, body__isnull=False
    ).select_related("room")
    return render(
        request,
        "desk/person.html",
        {
            "person": person,
            "cards": _cards(sanctions.acts_on(person)),
            "said": list(said.order_by("-at")[:LATEST]),
            "keeps": rooms.rooms_kept_by(person.pk),
            "form": form,
            "removed": removed_words(author=person),
            "may_restore": may(request.user, Power.WORDS),
        },
    )


@desk_page(Power.WORDS)
@_POST
def room_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an open room's standing, and restrict it, name its keepers, or mute somebody in it."""
    room = _open_room(slug)
    if request.method == "POST":
        if request.POST.get("do") == "restore":
            _restore(request, removed_words(room=room))
        else:
            _keep(request, room, _me(request))
        return redirect("chat:desk_room", slug)
    removed = {"removed": removed_words(room=room), "may_restore": True}
    context = _room_context(room, _me(request)) | {"may_people": may(request.user, Power.PEOPLE)} | removed
    return render(request, "desk/room.html", context | {"room": rooms.describe(room)})


def _restore(request: HttpRequest, listed: Sequence[RemovedMessage]) -> None:
    """Give one of the listed messages its words back. Whoever reads the room sees it within a second."""
    chosen = next((each for each in listed if str(each.pk) == request.POST.get("removed")), None)
    if chosen is None:
        flash.error(request, _("These words are no longer kept, so they cannot be restored."))
        return
    _did(request, lambda: restore_words(chosen, _me(request)))


@desk_page(Power.PEOPLE)
@_POST
def appeal_queue(request: HttpRequest) -> HttpResponse:
    """Show the appeals that wait, and decide one."""
    form = DecisionForm(request.POST or None)
    waiting = appeals.waiting_appeals()
    if request.method == "POST":
        key = _uuid(request.POST.get("act", ""))
        chosen = next((each for each in waiting if each.sanction.public_id == key), None)
        if chosen is None or not form.is_valid():
            flash.error(request, _("Something is missing. Nothing was changed."))
        else:
            outcome, note = Appeal.Outcome(form.cleaned_data["outcome"]), form.cleaned_data["note"]
            decide = partial(appeals.decide, appeal=chosen, actor=_me(request), origin=origin(request))
            _did(request, lambda: decide(outcome=outcome, note=note))
        return redirect("chat:desk_appeals")
    shown = [
        _cards([each.sanction])[0]
        | {
            "appeal": each,
            "another": appeals.needs_another(each.sanction, _me(request)),
            "form": DecisionForm(auto_id=_ids(each.sanction)),
        }
        for each in waiting
    ]
    return render(request, "desk/appeals.html", {"waiting": shown})


@desk_page(Power.PEOPLE)
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Find a person by name or id."""
    words = request.GET.get("q", "").strip()[:100]
    found = User.objects.none()
    if key := _uuid(words):
        found = User.objects.filter(public_id=key)
    elif words:
        found = User.objects.filter(name__icontains=words)
    shown = list(found.order_by("name", "pk")[:LATEST])
    context = {"words": words, "found": shown, "is_cut": len(shown) == LATEST, "most": LATEST}
    return render(request, "desk/people.html", context)


# Shared ---------------------------------------------------------------------------------------------------------------


def _did(request: HttpRequest, act: Any) -> bool:
    """Do something, and say on the next page how it went."""
    try:
        act()
    except Refused as refused:
        flash.error(request, refused.reason)
        return False
    flash.success(request, _("Done."))
    return True


def _me(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _open_room(slug: str) -> Room:
    room = rooms.room_by_key(slug)
    if room is None or not room.is_open:
        raise Http404
    return room


def _act(request: HttpRequest) -> Sanction | None:
    return Sanction.objects.filter(pk__in=_pk(request.POST.get("act", ""))).first()


def _person(key: str) -> User | None:
    public_id = _uuid(key)
    return User.objects.filter(public_id=public_id).first() if public_id is not None else None


def _pk(key: str) -> list[int]:
    """Return the primary key of the act with a public id; none where there is none."""
    public_id = _uuid(key)
    found = Sanction.objects.filter(public_id=public_id) if public_id is not None else Sanction.objects.none()
    return list(found.values_list("pk", flat=True))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
