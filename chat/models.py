"""People, rooms, the log and matching, as tables. The constraints carry the invariants; no write lives here."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from compliance.classify import Entry, Origin, RoomClass, Traits

NAME_LENGTH = 40


class UserManager(BaseUserManager["User"]):
    """Creates accounts by e-mail address; guests are created by `people.enter_as_guest`."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Store a member with this address and password (None: no password can sign in)."""
        if not email:
            raise ValueError("a member needs an e-mail address")
        email = self.normalize_email(email)
        user = self.model(email=email, **{"name": email.partition("@")[0][:NAME_LENGTH], **extra})
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Store an operator's account."""
        return self.create_user(email, password, **{**extra, "is_staff": True, "is_superuser": True})


class User(AbstractUser):
    """A person: a member with an account, or a guest with a nickname only."""

    # People sign in by e-mail address and are shown by their display name.
    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True, null=True, blank=True)  # type: ignore[assignment]
    name = models.CharField(_("display name"), max_length=NAME_LENGTH)
    is_guest = models.BooleanField(_("guest"), default=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()  # type: ignore[misc, assignment]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = (
            models.CheckConstraint(
                condition=Q(is_guest=True, email__isnull=True, is_staff=False, is_superuser=False)
                | Q(is_guest=False, email__isnull=False),
                name="guests_have_no_address_and_no_powers",
            ),
        )

    def __str__(self) -> str:
        return self.email or self.name

    def clean(self) -> None:
        """Leave a guest without an address; Django would give an empty one."""
        super().clean()
        self.email = self.email or None

    def get_full_name(self) -> str:
        """Return the display name."""
        return self.name

    def get_short_name(self) -> str:
        """Return the display name."""
        return self.name


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

    @property
    def key(self) -> str:
        """The public id, as it stands in the room's URL: the slug of an open room, the id of a closed one."""
        return self.slug or str(self.id)

    @property
    def is_open(self) -> bool:
        """Whether anyone may read it."""
        return self.kind == Room.Kind.OPEN

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


class Message(models.Model):
    """One event of a room's log. `seq` is dense per room; edits and deletions are events with a `target`."""

    class Kind(models.TextChoices):
        MESSAGE = "message"
        EDIT = "edit"
        DELETE = "delete"
        NOTICE = "notice"

    # The room leads the key, so that the table can be split by hash of the room without touching a query.
    pk = models.CompositePrimaryKey("room_id", "seq")
    room = models.ForeignKey(Room, models.CASCADE, related_name="messages", db_index=False)
    seq = models.PositiveBigIntegerField()
    id = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.MESSAGE)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", db_index=False)
    author_name = models.CharField(max_length=NAME_LENGTH)
    client_id = models.UUIDField(null=True)
    body = models.TextField(null=True)  # noqa: DJ001 -- null says that the words are sealed or were deleted
    sealed = models.BinaryField(null=True)
    reply_to = models.PositiveBigIntegerField(null=True)
    target = models.PositiveBigIntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            # The author leads, so that what somebody wrote is found when their account goes; the room is in it, so that
            # it can be kept where the table is split by room.
            models.UniqueConstraint(fields=("author", "room", "client_id"), name="a_client_id_is_stored_once"),
            models.CheckConstraint(
                name="words_are_plain_or_sealed", condition=Q(body__isnull=True) | Q(sealed__isnull=True)
            ),
            models.CheckConstraint(
                name="edits_and_deletions_have_a_target",
                condition=Q(kind__in=("edit", "delete"), target__isnull=False)
                | Q(kind__in=("message", "notice"), target__isnull=True),
            ),
        )
        indexes = (
            models.Index(fields=("room", "target"), condition=Q(target__isnull=False), name="what_changed_a_message"),
        )

    def __str__(self) -> str:
        return f"{self.room_id}/{self.seq}"


class LoginEnd(models.Model):
    """Something that ends logins: a session that went, or an account whose sessions no longer hold.

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


class Ticket(models.Model):
    """A person waiting to be matched, or just matched. One each."""

    user = models.OneToOneField(User, models.CASCADE, related_name="ticket", primary_key=True)
    topic = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=8, blank=True)
    since = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)
    room = models.ForeignKey(Room, models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        indexes = (models.Index(fields=("since", "user"), condition=Q(room__isnull=True), name="who_waits_longest"),)

    def __str__(self) -> str:
        return f"{self.user_id} since {self.since:%H:%M:%S}"


class Pairing(models.Model):
    """Two people whom the service brought together, so that they are not brought together again at once."""

    lower = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)  # leads an index
    higher = models.ForeignKey(User, models.CASCADE, related_name="+")
    room = models.OneToOneField(Room, models.CASCADE, related_name="pairing")
    made_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(lower__lt=F("higher")), name="a_pair_is_written_one_way"),
            models.UniqueConstraint(
                fields=("lower",), condition=Q(ended_at__isnull=True), name="one_live_talk_as_lower"
            ),
            models.UniqueConstraint(
                fields=("higher",), condition=Q(ended_at__isnull=True), name="one_live_talk_as_higher"
            ),
        )
        indexes = (models.Index(fields=("lower", "higher", "-made_at"), name="when_two_people_last_met"),)

    def __str__(self) -> str:
        return f"{self.lower_id} and {self.higher_id}"


class Block(models.Model):
    """One person does not want to be brought together with another."""

    blocker = models.ForeignKey(User, models.CASCADE, related_name="blocks", db_index=False)  # leads a constraint
    blocked = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("blocker", "blocked"), name="one_block_per_pair"),
            models.CheckConstraint(condition=~Q(blocker=F("blocked")), name="nobody_blocks_themselves"),
        )

    def __str__(self) -> str:
        return f"{self.blocker_id} blocks {self.blocked_id}"
