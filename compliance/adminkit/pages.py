"""Pages of the operator in the admin: one permission to look, another to work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from compliance import law
from compliance.adminkit.site import ClosedAdmin
from compliance.language import current_language

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

View = Callable[..., HttpResponse]

OF_STAFF: Final = "of_staff"
"""The mark on a view outside the admin's own addresses that asks for a second factor, as the admin does."""
_WORK: Final = "compliance.sign_checklist"
_LOOK: Final = "compliance.view_checklist"


class ReadOnly(ClosedAdmin):
    """Shows rows; adds, changes and deletes none."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OperatorPage(ReadOnly):
    """A ModelAdmin with pages of its own instead of a list: one permission shows them, another works with them."""

    work: ClassVar[str]
    """The permission that writing needs; without it the pages can only be read."""

    def may_work(self, request: HttpRequest) -> bool:
        """Return whether the account may write."""
        return request.user.has_perm(self.work)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_work(request) or super().has_view_permission(request, obj)

    def actor(self, request: HttpRequest) -> AbstractBaseUser:
        """Return the account that writes.

        Raises:
            PermissionDenied: the account may only read.
        """
        return _writer(request, self.work)

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        """Render a page with the context of every admin page.

        Args:
            request: of the admin.
            template: below `templates/compliance/`.
            **context: what the template shows.

        Raises:
            PermissionDenied: the account may not read the page.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        common = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "may_work": self.may_work(request),
        }
        return TemplateResponse(request, f"compliance/{template}", common | context)

    def report(self, request: HttpRequest, done: str, *, headline: tuple[str, list[str]] | None = None) -> None:
        """Show a message after a write.

        Args:
            request: of the admin.
            done: what was done.
            headline: the gate's new state and its reasons, where the write moved the gate.
        """
        self.message_user(request, done, messages.SUCCESS)
        if headline:
            state, lacking = headline
            why = _("; ").join(lacking)
            line = _("%(state)s: %(why)s") % {"state": state, "why": why} if why else state
            self.message_user(request, line, messages.WARNING)


def operator_view(view: View) -> View:
    """Make a view outside the admin's own addresses a page of the admin, for those who may see the checklist."""

    @wraps(view)
    def permitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.user.has_perm(_WORK) or request.user.has_perm(_LOOK)):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    vars(permitted)[OF_STAFF] = True
    return admin.site.admin_view(permitted)


def acting_account(request: HttpRequest) -> AbstractBaseUser:
    """Return the account that writes on a page made by `operator_view`.

    Raises:
        PermissionDenied: the account may only read.
    """
    return _writer(request, _WORK)


def _writer(request: HttpRequest, permission: str) -> AbstractBaseUser:
    if not request.user.has_perm(permission) or not request.user.is_authenticated:
        raise PermissionDenied
    return request.user


def render_operator_page(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    """Render a page made by `operator_view`.

    Args:
        request: of an account that may read.
        template: below `templates/compliance/`.
        title: in the language of the request.
        **context: what the template shows.
    """
    request.current_app = admin.site.name
    common = {
        **admin.site.each_context(request),
        "title": title,
        # Looked up here: Django loads this package before the models.
        "opts": apps.get_model("compliance", "Checklist")._meta,  # noqa: SLF001 -- Django's own name
        "may_work": request.user.has_perm(_WORK),
    }
    return TemplateResponse(request, f"compliance/{template}", common | context)


def articles_by_statute(articles: Iterable[str]) -> list[tuple[str, str]]:
    """Group articles by statute: its address on e-Gov (empty where there is none), and the articles in words."""
    grouped = groupby(articles, lambda article: law.cite(article).statute)
    return [(statute.url, law.cite_all(members, current_language())) for statute, members in grouped]
