"""People and open rooms in the admin. Closed talks do not exist here: neither their words nor that they took place.

Hence nobody is deleted here (the question before it would list whom they talked with), and nobody's password or
address is set here (whoever holds them could sit down in that person's closed talks).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa import admin as mfa_admin  # noqa: F401 -- registers what is taken out below
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.forms import RoomForm as OpenRoomForm
from chat.models import Room, User
from chat.people import clean_name
from compliance.law import Feature

if TYPE_CHECKING:
    RoomModelAdmin = admin.ModelAdmin[Room]
    PeopleAdmin = DjangoUserAdmin[User]
else:
    RoomModelAdmin = admin.ModelAdmin
    PeopleAdmin = DjangoUserAdmin

_POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


class MemberForm(UserChangeForm):  # type: ignore[type-arg]
    """A person as the operator may change them."""

    password = None  # type: ignore[assignment]

    def clean_name(self) -> str:
        """Refuse names that hide or reorder text."""
        return clean_name(self.cleaned_data["name"])


class NewMemberForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A member whom the operator enters: address, name, password."""

    class Meta:
        model = User
        fields = ("email", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True

    def clean_email(self) -> str:
        """Store addresses as sign-up does, in small letters."""
        return str(self.cleaned_data["email"]).lower()

    def clean_name(self) -> str:
        """Refuse names that hide or reorder text."""
        return clean_name(self.cleaned_data["name"])


@admin.register(User)
class UserAdmin(PeopleAdmin):
    """Members and guests: suspended and let back in, never deleted. Who holds powers is for superusers to change."""

    form = MemberForm
    add_form = NewMemberForm
    list_display = ("name", "email", "is_guest", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_guest", "is_staff", "is_superuser")
    search_fields = ("name", "email")
    ordering = ("-date_joined",)
    actions = ("suspend", "reinstate", "remove_second_factors")
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Show a guest without what a guest does not have."""
        if obj is None:
            return self.add_fieldsets
        dates = (gettext_lazy("Dates"), {"fields": ("date_joined", "last_login")})
        if obj.is_guest:
            return ((None, {"fields": ("name", "is_guest", "identifier", "is_active")}), dates)
        return (
            (None, {"fields": ("name", "email", "identifier", "second_factor", "is_active")}),
            (gettext_lazy("Powers"), {"fields": _POWERS}),
            dates,
        )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Keep the address with its owner, and powers with superusers."""
        if obj is None:
            return ()
        fixed = ("email", "is_guest", "identifier", "second_factor", "date_joined", "last_login")
        return fixed if request.user.is_superuser else (*fixed, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and (obj.is_staff or obj.is_superuser) and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Refuse: people set their own, by mail if they forgot it."""
        raise PermissionDenied

    @admin.action(description=gettext_lazy("Suspend the selected people"), permissions=["change"])
    def suspend(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Shut people out; their open pages follow within half a minute."""
        self._set_active(request, people.filter(is_active=True), active=False)

    @admin.action(description=gettext_lazy("Let the selected people back in"), permissions=["change"])
    def reinstate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Let people back in."""
        self._set_active(request, people.filter(is_active=False), active=True)

    @admin.action(description=gettext_lazy("Remove the second factors of the selected people"), permissions=["change"])
    def remove_second_factors(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Let people who lost theirs sign in with the password alone, and set up a new one."""
        done = 0
        for person in self._changeable(request, people):
            if Authenticator.objects.filter(user=person).delete()[0]:
                self.log_change(request, person, "Second factors removed.")
                done += 1
        told = ngettext(
            "%(n)d person has no second factor any more.", "%(n)d people have no second factor any more.", done
        )
        self.message_user(request, told % {"n": done}, messages.SUCCESS)

    suspend.feature = reinstate.feature = remove_second_factors.feature = Feature.OPERATOR  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("id shown to others"))
    def identifier(self, person: User) -> str:
        """The id by which pages and frames name this person."""
        return str(person.public_id)

    @admin.display(description=gettext_lazy("second factor"), boolean=True)
    def second_factor(self, person: User) -> bool:
        """Whether signing in takes more than the password."""
        return bool(is_mfa_enabled(person))

    def _set_active(self, request: HttpRequest, people: QuerySet[User], *, active: bool) -> None:
        done = 0
        for person in self._changeable(request, people):
            person.is_active = active
            person.save(update_fields=("is_active",))
            self.log_change(request, person, [{"changed": {"fields": ["active"]}}])
            done += 1
        told = (
            ngettext("%(n)d person was let back in.", "%(n)d people were let back in.", done)
            if active
            else ngettext("%(n)d person was suspended.", "%(n)d people were suspended.", done)
        )
        self.message_user(request, told % {"n": done}, messages.SUCCESS)

    def _changeable(self, request: HttpRequest, people: QuerySet[User]) -> Iterator[User]:
        """Yield those whom this account may change, and say whom it leaves out: itself, and powers above it."""
        for person in people:
            if person.pk != request.user.pk and self.has_change_permission(request, person):
                yield person
            else:
                left_out = _("%(person)s was left as is: this account may not change them.")
                self.message_user(request, left_out % {"person": person}, messages.WARNING)


class RoomForm(forms.ModelForm, OpenRoomForm):  # type: ignore[type-arg]
    """An open room's name and what it is about, held to what its opener was held to."""


@admin.register(Room)
class RoomAdmin(RoomModelAdmin):
    """Open rooms only. A closed one is not hidden from the list, it is outside of what can be asked for."""

    form = RoomForm
    list_display = ("name", "slug", "description", "created_by", "created_at", "last_at", "head")
    list_select_related = ("created_by",)
    search_fields = ("name", "slug", "description")
    date_hierarchy = "created_at"
    ordering = ("-last_at",)
    fields = ("name", "description", "slug", "created_by", "created_at", "last_at", "head")
    readonly_fields = ("slug", "created_by", "created_at", "last_at", "head")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Room]:
        """Return the open rooms."""
        return super().get_queryset(request).filter(kind=Room.Kind.OPEN)

    def view_on_site(self, room: Room) -> str:
        """Where everybody reads it."""
        return reverse("chat:room", args=[room.slug])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False


# The lists that allauth registers let any reader verify an address, add one to somebody's account and see secrets.
admin.site.unregister((EmailAddress, Authenticator))


@admin.register(EmailAddress)
class AddressAdmin(EmailAddressAdmin):  # type: ignore[misc]
    """Addresses, and marking one as verified where mail does not arrive."""

    list_select_related = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_verify_permission(self, request: HttpRequest) -> bool:
        """Whether this account may vouch for an address."""
        return request.user.has_perm("account.change_emailaddress")

    @admin.action(description=EmailAddressAdmin.make_verified.short_description, permissions=["verify"])
    def make_verified(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Mark addresses as verified."""
        super().make_verified(request, queryset)

    make_verified.feature = Feature.OPERATOR  # type: ignore[attr-defined]
