"""The pages of cases, as the desk's navigation has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

from compliance.law.powers import Power
from compliance.models import Case, Disclosure
from compliance.powers import may, register_desk_page

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def register() -> None:
    """Register the pages in the navigation. Called once, when the app is ready."""
    register_desk_page(
        "compliance:cases",
        gettext_lazy("Cases"),
        Power.CASES,
        30,
        about=gettext_lazy("Papers and requests from outside: their clocks, letters and holds."),
        waiting=_open_cases,
    )
    register_desk_page(
        "compliance:disclosures",
        gettext_lazy("Disclosures"),
        frozenset({Power.CASES, Power.CASES_SECOND}),
        40,
        about=gettext_lazy("A look into closed talk on a ground, at the least scope, agreed to by a second person."),
        waiting=_waiting_disclosures,
    )


def _open_cases(_user: AbstractBaseUser) -> int:
    return Case.objects.filter(closed_at__isnull=True).count()


def _waiting_disclosures(user: AbstractBaseUser) -> int:
    others = Disclosure.objects.exclude(asked_by_id=user.pk)
    reviews = others.filter(alone=True, reviewed_at__isnull=True).count()
    if not may(user, Power.CASES_SECOND):
        return reviews
    return reviews + others.filter(alone=False, approved_at__isnull=True, refused_at__isnull=True).count()
