"""People: members, guests, guests who are about to become members, and blocks between people."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.fields import AddressField
from chat.text import names
from chat.text.addresses import fold

NAME_LENGTH = 40  # characters as a person counts them
NAME_POINTS = 200  # code points: an emoji of a family is one character and has seven
LEFT_NAME = "退会した人"
"""The name that stands in the place of an erased person's. Pages show it in the reader's language, by the role."""
NEVER_DELETED = "an account is never deleted by itself: use manage.py erase"


class Role(models.TextChoices):
    """In which role somebody writes; members have none."""

    MEMBER = "", _("member")
    GUEST = "guest", _("guest")
    KEEPER = "keeper", _("keeper")
    STAFF = "staff", _("staff")
    LEFT = "left", _("a person who left")  # of what an erased person wrote; no account has it


class UserManager(BaseUserManager["User"]):
    """Creates accounts by e-mail address; guests are created by `people.enter_as_guest`."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Store a member with this address and password (None: no password can sign in)."""
        if not email:
            raise ValueError("a member needs an e-mail address")
        email = fold(email)
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
    email = AddressField(_("e-mail address"), unique=True, null=True, blank=True)
    name = models.CharField(_("display name"), max_length=NAME_POINTS)
    skeleton = models.CharField(max_length=names.SKELETON_LENGTH, editable=False, db_default="")
    is_guest = models.BooleanField(_("guest"), default=False)
    # Until when an act may keep them from writing somewhere (`Sanction` says which): the writes look closer until then.
    muted_until = models.DateTimeField(null=True, blank=True, editable=False)
    has_unread_act = models.BooleanField(default=False, db_default=False, editable=False)
    # Set by `personal_data.erase` alone. The row goes in the same transaction, or stays empty where records need it.
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()  # type: ignore[misc, assignment]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        indexes = (models.Index(fields=("skeleton",), name="names_that_look_alike"),)
        constraints = (
            models.UniqueConstraint(Lower("email"), name="one_account_per_address"),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="addresses_have_one_spelling"),
            models.CheckConstraint(
                condition=Q(is_guest=True, email__isnull=True, is_staff=False, is_superuser=False)
                | Q(is_guest=False, email__isnull=False)
                | Q(erased_at__isnull=False),
                name="guests_have_no_address_and_no_powers",
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True)
                | Q(
                    email__isnull=True,
                    name=LEFT_NAME,
                    skeleton="",
                    last_login__isnull=True,
                    is_active=False,
                    is_staff=False,
                    is_superuser=False,
                ),
                name="an_erased_account_is_empty",
            ),
        )

    def __str__(self) -> str:
        return self.email or self.name

    @property
    def role(self) -> Role:
        """In which role this person writes."""
        if self.is_guest:
            return Role.GUEST
        return Role.STAFF if self.is_staff or self.is_superuser else Role.MEMBER

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store what the name looks like beside the name."""
        self.skeleton = names.skeleton(self.name)
        fields = kwargs.get("update_fields")
        if fields is not None and "name" in fields:
            kwargs["update_fields"] = {*fields, "skeleton"}
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse, as the database does, unless the erasure has emptied the row.

        Raises:
            IntegrityError: it names the command that erases.
        """
        if self.erased_at is None:
            raise IntegrityError(NEVER_DELETED)
        return super().delete(*args, **kwargs)

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


class PendingSignup(models.Model):
    """A guest who asked for an account and has not confirmed the address yet: they stay a guest until then.

    Nothing here takes the address from anybody: it becomes the guest's own when the code from the mail is entered.
    """

    guest = models.OneToOneField(User, models.CASCADE, related_name="+", primary_key=True)
    email = AddressField()
    name = models.CharField(max_length=NAME_POINTS)
    password = models.CharField(max_length=128)  # hashed
    code = models.CharField(max_length=64, blank=True)  # a keyed digest; empty where the address has an account
    tries = models.PositiveSmallIntegerField(default=0)
    errand = models.TextField(blank=True)  # the page to which the person goes afterwards
    at = models.DateTimeField(default=timezone.now)  # when the code was sent

    def __str__(self) -> str:
        return f"{self.guest_id} since {self.at:%H:%M:%S}"


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
