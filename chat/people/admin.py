"""People in the admin. Closed talks do not exist here: neither their words nor that they took place.

Hence nobody is deleted here (the question before it would list whom they talked with), and nobody's password or
address is set here (whoever holds them could sit down in that person's closed talks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa import admin as mfa_admin  # noqa: F401 -- registers what is taken out below
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.models import User
from chat.people import free_name, has_account
from chat.people.addresses import AddressInput
from chat.text.addresses import fold
from compliance.adminkit import ONE_LINE, ClosedAdmin
from compliance.law import Feature
from compliance.powers import Grant, ask_to_give, ask_to_reinstate, ask_to_remove_factors, would_hold

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    PeopleAdmin = DjangoUserAdmin[User]
else:
    PeopleAdmin = DjangoUserAdmin

_POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


class MemberForm(UserChangeForm):  # type: ignore[type-arg]
    """A person as the operator may change them."""

    password = None  # type: ignore[assignment]
    why = forms.CharField(
        label=gettext_lazy("Why powers are given"),
        help_text=gettext_lazy("A second person agrees at the desk before powers are given. Taking works at once."),
        required=False,
        max_length=ONE_LINE,
    )
    grant: Grant = Grant()
    """The powers that were entered and that the person does not have yet."""
    comes_back: bool = False
    """Whether a suspended member of staff is to be let back in."""

    def clean(self) -> dict[str, Any]:
        """Refuse a new name that is not theirs to have, and powers for somebody whose name others have, too."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        was = self.instance.role
        powers = any(cleaned.get(power, getattr(self.instance, power)) for power in ("is_staff", "is_superuser"))
        role = "guest" if self.instance.is_guest else "staff" if powers else ""
        if "name" in cleaned and (cleaned["name"] != self.instance.name or role != was):
            try:
                cleaned["name"] = free_name(cleaned["name"], role=role, pk=self.instance.pk)
            except ValidationError as error:
                self.add_error("name", error)
        self._hold_back(cleaned)
        return cleaned

    def _hold_back(self, cleaned: dict[str, Any]) -> None:
        """Take new powers out of what is saved, and keep them for the second person."""
        person = self.instance
        new: dict[str, list[Any]] = {}
        for name in ("groups", "user_permissions"):
            if name in cleaned:
                has = set(getattr(person, name).values_list("pk", flat=True))
                new[name] = [row for row in cleaned[name] if row.pk not in has]
                cleaned[name] = [row for row in cleaned[name] if row.pk in has]
        flags: dict[str, bool] = {}
        for name in ("is_staff", "is_superuser"):
            flags[name] = bool(cleaned.get(name)) and not getattr(person, name)
            if name in cleaned:
                cleaned[name] = cleaned[name] and getattr(person, name)
        self.grant = Grant(
            groups=[group.name for group in new.get("groups", [])],
            staff=flags["is_staff"],
            superuser=flags["is_superuser"],
            permissions=[f"{row.content_type.app_label}.{row.codename}" for row in new.get("user_permissions", [])],
        )
        self.comes_back = bool(cleaned.get("is_active")) and not person.is_active and would_hold(person)
        if self.comes_back:
            cleaned["is_active"] = False
        if self.comes_back and "why" not in self.fields:
            self.add_error("is_active", _("This account holds powers. Two persons let it back in: see Staff."))
        elif (self.grant or self.comes_back) and not cleaned.get("why"):
            self.add_error("why", _("Say why: the second person reads it, and the record keeps it."))


class NewMemberForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A member whom the operator enters: address, name, password."""

    class Meta:
        model = User
        fields = ("email", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = AddressInput(label=self.fields["email"].label)

    def clean_email(self) -> str:
        """Refuse an address that is in somebody's account already, if only as a further one."""
        email = fold(self.cleaned_data["email"])
        if has_account(email):
            raise ValidationError(_("An account has this address already."))
        return email

    def clean_name(self) -> str:
        """Refuse names that hide or reorder text, and those of others."""
        return free_name(self.cleaned_data["name"], role="")


class ReasonedAction(ActionForm):
    """An action on the list, with a reason where a second person is asked."""

    reason = forms.CharField(label=gettext_lazy("Reason (for the second person)"), required=False, max_length=ONE_LINE)


@admin.register(User)
class UserAdmin(ClosedAdmin, PeopleAdmin):
    """Members and guests: suspended and let back in, never deleted. Who holds powers is for superusers to change."""

    form = MemberForm
    add_form = NewMemberForm
    list_display = ("name", "email", "is_guest", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_guest", "is_staff", "is_superuser")
    search_fields = ("name", "email")
    ordering = ("-date_joined",)
    action_form = ReasonedAction
    actions = ("suspend", "reinstate", "remove_second_factors")
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Show a guest without what a guest does not have."""
        if obj is None:
            return self.add_fieldsets
        powers = (*_POWERS, "why") if request.user.is_superuser else _POWERS
        dates = (gettext_lazy("Dates"), {"fields": ("date_joined", "last_login")})
        if obj.is_guest:
            return ((None, {"fields": ("name", "is_guest", "identifier", "is_active")}), dates)
        return (
            (None, {"fields": ("name", "email", "identifier", "second_factor", "is_active")}),
            (gettext_lazy("Powers"), {"fields": powers}),
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

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 -- Django's own signature
        """Save what is left of a person's powers, and ask a second person for the new ones."""
        super().save_related(request, form, formsets, change)
        if getattr(form, "grant", None):
            why = form.cleaned_data["why"]
            self._ask(request, partial(ask_to_give, account=form.instance, grant=form.grant, reason=why))
        if getattr(form, "comes_back", False):
            why = form.cleaned_data["why"]
            self._ask(request, partial(ask_to_reinstate, account=form.instance, reason=why))

    def _ask(self, request: HttpRequest, ask: Callable[..., object]) -> None:
        try:
            ask(actor=cast("AbstractBaseUser", request.user))
        except ValidationError as refused:
            self.message_user(request, " ".join(refused.messages), messages.ERROR)
            return
        asked = _("A second person is asked to agree. Until then nothing changes; the desk shows the request.")
        self.message_user(request, asked, messages.WARNING)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Refuse: people set their own, by mail if they forgot it."""
        raise PermissionDenied

    @admin.action(description=gettext_lazy("Suspend the selected people"), permissions=["change"])
    def suspend(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Shut people out; their open pages follow within half a minute."""
        self._set_active(request, people.filter(is_active=True), active=False)

    @admin.action(description=gettext_lazy("Let the selected people back in"), permissions=["change"])
    def reinstate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Let people back in. For those who would hold powers a second person is asked."""
        back = people.filter(is_active=False)
        powerful = [person for person in back if would_hold(person)]
        self._set_active(request, back.exclude(pk__in=[person.pk for person in powerful]), active=True)
        reason = request.POST.get("reason", "")
        for person in self._changeable(request, powerful):
            self._ask(request, partial(ask_to_reinstate, account=person, reason=reason))

    @admin.action(description=gettext_lazy("Remove the second factors of the selected people"), permissions=["change"])
    def remove_second_factors(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Ask a second person to agree that people who lost theirs sign in with the password alone."""
        for person in self._changeable(request, people):
            reason = request.POST.get("reason", "")
            self._ask(request, partial(ask_to_remove_factors, account=person, reason=reason))

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

    def _changeable(self, request: HttpRequest, people: Iterable[User]) -> Iterator[User]:
        """Yield those whom this account may change, and say whom it leaves out: itself, and powers above it."""
        for person in people:
            if person.pk != request.user.pk and self.has_change_permission(request, person):
                yield person
            else:
                left_out = _("%(person)s was left as is: this account may not change them.")
                self.message_user(request, left_out % {"person": person}, messages.WARNING)


# The lists that allauth registers let any reader verify an address, add one to somebody's account and see secrets.
admin.site.unregister((EmailAddress, Authenticator))


@admin.register(EmailAddress)
class AddressAdmin(ClosedAdmin, EmailAddressAdmin):  # type: ignore[misc]
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
