"""The admin site: each of its lists takes a closed set of query parameters and no lookup over a relation.

Django's own lists take any lookup over a relation (`?participations__isnull=False`), so their answers show staff who
takes part in a closed talk. Here a list takes only the parameters that it offers, and answers 400 to any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR, IncorrectLookupParameters
from django.contrib.admin.utils import NestedObjects, get_fields_from_path
from django.contrib.admin.views.main import ALL_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR, ChangeList
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.db import models, router
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from compliance.adminkit.half_width import DayField, IdField, NumberField, half_width

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

_OF_LISTS: Final = frozenset({ORDER_VAR, PAGE_VAR, ALL_VAR})
_OF_FORMS: Final = frozenset({"_changelist_filters", IS_POPUP_VAR, TO_FIELD_VAR})
_NO_PAGES: Final = frozenset({"autocomplete", "view_on_site"})
"""Pages of Django's site that look up rows of any model; nothing here needs them."""


class ClosedAdmin(ModelAdmin):
    """The base of every ModelAdmin: `Site.register` puts it in front of those that others wrote."""

    show_facets = admin.ShowFacets.NEVER
    formfield_overrides: ClassVar[dict[Any, dict[str, Any]]] = {
        models.DateField: {"form_class": DayField},
        models.IntegerField: {"form_class": NumberField, "widget": AdminTextInputWidget},
        models.UUIDField: {"form_class": IdField},
    }

    def list_parameters(self, request: HttpRequest) -> frozenset[str]:
        """Return the query parameters that the list takes: search, order, page, and those of its own filters."""
        names = set(_OF_LISTS)
        if self.get_search_fields(request):
            names.add(SEARCH_VAR)
        if self.date_hierarchy:
            names.update(f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day"))
        for listed in self.get_list_filter(request):
            if isinstance(listed, type) and issubclass(listed, admin.SimpleListFilter):
                names.add(str(listed.parameter_name))
            else:
                names.update(self._filter_parameters(request, listed))
        return frozenset(names)

    def _filter_parameters(self, request: HttpRequest, listed: Any) -> list[str]:
        path, make = listed if isinstance(listed, (list, tuple)) else (listed, admin.FieldListFilter.create)
        field = get_fields_from_path(self.model, path)[-1]
        spec = make(field, request, {}, self.model, self, field_path=path)
        return [name for name in spec.expected_parameters() if name]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if unknown := request.GET.keys() - self.list_parameters(request):
            return self._refuse(request, unknown)
        try:
            return super().changelist_view(request, extra_context)
        except _BadValue:
            return self._refuse(request, request.GET.keys())

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        """Return the rows that have the words as they were typed, or in half-width signs."""
        found, twice = super().get_search_results(request, queryset, search_term)
        if (folded := half_width(search_term)) != search_term:
            more, more_twice = super().get_search_results(request, queryset, folded)
            found, twice = found | more, twice or more_twice
        return found, twice

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list; a value that does not fit is refused in words, not sent to the whole list with `?e=1`."""
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters as error:
            raise _BadValue from error

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow what the list itself offers."""
        return request is not None and lookup in self.list_parameters(request)

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Allow the primary key only."""
        return to_field == self.opts.pk.name

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if refused := self._form_refused(request):
            return refused
        return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        if refused := self._form_refused(request):
            return refused
        return super().delete_view(request, object_id, extra_context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        if refused := self._form_refused(request):
            return refused
        return super().history_view(request, object_id, extra_context)

    def _form_refused(self, request: HttpRequest) -> HttpResponse | None:
        unknown = set(request.GET.keys() - _OF_FORMS)
        if request.GET.get(TO_FIELD_VAR, self.opts.pk.name) != self.opts.pk.name:
            unknown.add(TO_FIELD_VAR)
        return self._refuse(request, unknown) if unknown else None

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Return what is deleted without what hangs on it: who talks with whom hangs on people."""
        using = router.db_for_write(self.model)
        collector = NestedObjects(using=using, origin=objs)
        collector.collect(objs)
        rows: Sequence[Any] = list(objs)
        named = [format_html("{}: {}", capfirst(self.opts.verbose_name), row) for row in rows]
        denied = set() if all(self.has_delete_permission(request, row) for row in rows) else {self.opts.verbose_name}
        kept = [_("records that are kept as proof")] if collector.protected else []
        return named, {str(self.opts.verbose_name_plural): len(rows)}, denied, kept

    def _refuse(self, request: HttpRequest, names: Iterable[str]) -> HttpResponse:
        """Answer 400 and name the parameters, whatever the rows hold."""
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("This page does not take that question"),
            "names": sorted(names),
        }
        return TemplateResponse(request, "admin/refused.html", context, status=HTTPStatus.BAD_REQUEST)


class _BadValue(Exception):
    """A parameter of the list carries a value that its filter cannot use."""


class Site(admin.AdminSite):
    """Django's admin site, on which every list is a `ClosedAdmin`, whoever wrote it."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        base = admin_class or admin.ModelAdmin
        if not issubclass(base, ClosedAdmin):
            base = type(base.__name__, (ClosedAdmin, base), {"__module__": base.__module__, "__doc__": base.__doc__})
        super().register(model_or_iterable, base, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Let staff in, and whoever may see the ledger: an auditor appears as a plain member."""
        user = request.user
        return user.is_active and (getattr(user, "is_staff", False) or user.has_perm("compliance.view_ledgerentry"))

    def get_urls(self) -> list[Any]:
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", None) not in _NO_PAGES]


class AdminConfig(DjangoAdminConfig):
    """Django's admin with `Site` as its site."""

    default_site = "compliance.adminkit.Site"
