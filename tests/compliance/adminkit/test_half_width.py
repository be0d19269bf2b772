"""Full-width input where half-width signs are meant: every form of the service takes it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from chat.models import User
from chat.people.addresses import AddressInput
from chat.people.forms import AnyWidth
from compliance.adminkit import CodeField, DayField, IdField, LinkField, MailField, MomentField, NumberField
from tests.conftest import MakeUser

HALF_WIDTH = (
    *(forms.DateField, forms.DateTimeField, forms.TimeField, forms.IntegerField),
    *(forms.EmailField, forms.URLField, forms.UUIDField, forms.SlugField),
)
ID = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")


def wide(text: str) -> str:
    """Return the text in full-width signs."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def subclasses(base: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
    """Every form class that has been loaded."""
    for form in base.__subclasses__():
        yield form
        yield from subclasses(form)


@pytest.mark.parametrize(
    ("field", "typed", "meant"),
    [
        (DayField(), "２０２６／１１／３０", date(2026, 11, 30)),
        (DayField(), "２０２６－１１－３０", date(2026, 11, 30)),
        (DayField(), "２０２６ー１１ー３０", date(2026, 11, 30)),
        (DayField(), "２０２６．１１．３０", date(2026, 11, 30)),
        (DayField(), "２０２６年１１月３０日", date(2026, 11, 30)),
        (NumberField(), "１２，３４５", 12_345),
        (CodeField(), "　１００－０００１ ", "100-0001"),
        (CodeField(), "０３ー１２３４−５６７８", "03-1234-5678"),
        (CodeField(), "コード", "コード"),
        (MailField(), "ａｂｃ＠ｅｘａｍｐｌｅ．ｊｐ", "abc@example.jp"),
        (MailField(), "abc＠example。jp", "abc@example.jp"),
        (LinkField(), "ｈｔｔｐｓ：／／ｅｘａｍｐｌｅ．ｊｐ／ａ", "https://example.jp/a"),
        (IdField(), wide(str(ID)), ID),
    ],
)
def test_a_field_reads_full_width_signs(field: forms.Field, typed: str, meant: object) -> None:
    assert field.clean(typed) == meant


def test_a_moment_is_read_in_full_width_signs() -> None:
    assert MomentField().clean("２０２６／１１／３０　０９：０５") == MomentField().clean("2026-11-30T09:05")


def test_every_form_reads_full_width_signs(rf: RequestFactory, operator: User) -> None:
    get_resolver().url_patterns  # noqa: B018 -- loads every view, and with it every form
    request = rf.get("/admin/")
    request.user = operator
    ours = {form for form in subclasses(forms.BaseForm) if form.__module__.startswith(("chat.", "compliance."))}
    fields = {
        f"{form.__module__}.{form.__name__}.{name}": field
        for form in ours
        for name, field in getattr(form, "declared_fields", {}).items()
        if not (issubclass(form, AnyWidth) and name in AnyWidth.REPLACED)
    }
    fields["AnyWidth.email"] = AddressInput()
    assert len(fields) > 50
    for model, page in admin.site._registry.items():
        if page.has_add_permission(request):
            fields |= {f"{model.__name__}.{name}": field for name, field in page.get_form(request)().fields.items()}
    narrow = [name for name, field in fields.items() if isinstance(field, HALF_WIDTH) and not _reads_wide(field)]
    assert narrow == []


def _reads_wide(field: Any) -> bool:
    """Whether the field reads the same from full-width signs as from half-width ones."""
    samples = ("2026-11-30", "123", "abc@example.jp", "https://example.jp/", str(ID), "abc")
    for sample in samples:
        try:
            meant = field.to_python(sample)
            field.run_validators(meant)
        except forms.ValidationError:
            continue
        try:
            return bool(field.to_python(wide(sample)) == meant) and field.widget.input_type not in {
                "email",
                "url",
                "number",
            }
        except forms.ValidationError:
            return False
    raise AssertionError(f"no sample for {field}")


def test_the_search_of_the_admin_finds_what_was_typed_in_full_width(desk: Client, make_user: MakeUser) -> None:
    make_user("夜更かし", email="abc@example.jp")
    make_user("別の人", email="xyz@example.jp")
    page = desk.get(reverse("admin:chat_user_changelist"), {"q": wide("abc@example.jp")}).content.decode()
    assert "夜更かし" in page
    assert "別の人" not in page
