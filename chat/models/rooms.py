"""Rooms, and the participants of closed rooms."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.people import User
from chat.protocol import Access
from compliance.law import Entry, Origin, RoomClass, Traits


class Room(models.Model):
    """A place to talk. Its kind follows from its traits; a closed one carries its authorisation."""

    class Kind(models.TextChoices):
        OPEN = RoomClass.OPEN.value, _("open room")
        CLOSED = RoomClass.CLOSED.value, _("closed talk")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=60, unique=True, null=True, blank=True, allow_unicode=False)
    name = models.CharField(_("name"), max_length=60)
    description = models.CharField(_("what it is about"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.OPEN)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    anyone_may_read = models.BooleanField(default=True)
    listed = models.BooleanField(default=True)
    entry = models.CharField(max_length=12, choices=[(e.value, e.value) for e in Entry], default=Entry.anyone.value)
    designated_recipients = models.BooleanField(default=False)
    made_by = models.CharField(max_length=12, choices=[(o.value, o.value) for o in Origin], default=Origin.person.value)
    capacity_hides = models.BooleanField(default=False)
    members_only_history = models.BooleanField(default=False)

    feature = models.CharField(max_length=40, default="room.open")
    authorisation = models.ForeignKey(
        "compliance.Authorisation", models.PROTECT, null=True, blank=True, related_name="rooms"
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    head = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now)
    # Counts the changes of who may read the room. Triggers advance it (chat.triggers), whoever makes the change.
    revision = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    # Who may write in an open room, as its keepers restrict it. Anybody still finds, reads and joins it.
    slow_seconds = models.PositiveSmallIntegerField(default=0, db_default=0)
    members_only = models.BooleanField(default=False, db_default=False)
    announce_only = models.BooleanField(default=False, db_default=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        indexes = (models.Index(fields=("-last_at",), name="open_rooms_by_activity", condition=Q(kind="open")),)
        constraints = (
            models.CheckConstraint(
                name="kind_follows_from_traits",
                condition=Q(
                    kind="open",
                    anyone_may_read=True,
                    listed=True,
                    entry="anyone",
                    designated_recipients=False,
                    made_by__in=("person", "operator"),
                    capacity_hides=False,
                    members_only_history=False,
                )
                | (
                    Q(kind="closed")
                    & (
                        Q(anyone_may_read=False)
                        | Q(listed=False)
                        | Q(entry__in=("invitation", "approval", "password", "link", "pairing"))
                        | Q(designated_recipients=True)
                        | Q(made_by__in=("pairing", "recruiting"))
                        | Q(capacity_hides=True)
                        | Q(members_only_history=True)
                    )
                ),
            ),
            models.CheckConstraint(
                name="closed_means_authorised",
                condition=Q(kind="open", authorisation__isnull=True, feature="room.open")
                | (Q(kind="closed", authorisation__isnull=False) & ~Q(feature="room.open")),
            ),
            models.CheckConstraint(
                name="open_rooms_have_a_slug",
                condition=Q(kind="open", slug__isnull=False) | Q(kind="closed", slug__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.name or self.key

    def get_absolute_url(self) -> str:
        """Return the URL of its page."""
        return reverse("chat:room", args=[self.slug]) if self.is_open else reverse("chat:closed", args=[self.id])

    @property
    def key(self) -> str:
        """The public id, as it stands in the room's URL: the slug of an open room, the id of a closed one."""
        return self.slug or str(self.id)

    @property
    def is_open(self) -> bool:
        """Whether anyone may read it."""
        return self.kind == Room.Kind.OPEN

    @property
    def access(self) -> Access:
        """Who may read it, as of the moment when this row was read."""
        return Access(self.feature, self.revision)

    @property
    def traits(self) -> Traits:
        """The facts from which the law derives the room's class."""
        return Traits(
            anyone_may_read=self.anyone_may_read,
            listed=self.listed,
            entry=Entry(self.entry),
            designated_recipients=self.designated_recipients,
            made_by=Origin(self.made_by),
            capacity_hides=self.capacity_hides,
            members_only_history=self.members_only_history,
        )


class ClosedRoomId(models.Model):
    """The id of a room that is or was closed, and nothing else of it. A trigger writes it; it stays when the room goes.

    A room never stands under such an id again, so words of a closed talk never come to lie in an open room.
    """

    id = models.UUIDField(primary_key=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.id)


class Participant(models.Model):
    """当事者: somebody inside a closed room. Open rooms have none: everybody may read them."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="participants", db_index=False)  # leads a constraint
    user = models.ForeignKey(User, models.CASCADE, related_name="participations")
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)
    seen = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("room", "user"), name="one_place_per_person_and_room"),)
        indexes = (models.Index(fields=("user",), condition=Q(left_at__isnull=True), name="rooms_somebody_is_in"),)

    def __str__(self) -> str:
        return f"{self.user_id} in {self.room_id}"
