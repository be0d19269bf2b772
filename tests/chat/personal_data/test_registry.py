"""Every table: what refers to an account is in the registry, with what the export and the erasure make of it."""

from django.apps import apps
from django.db.models import SET_NULL, Field

from chat import personal_data
from chat.models import User
from chat.personal_data import Fate, registry


def references() -> dict[str, "Field[object, object]"]:
    """Every column of every table that refers to an account."""
    return {
        f"{model._meta.label}.{field.name}": field
        for model in apps.get_models(include_auto_created=True)
        if not model._meta.proxy
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model is User
    }


def test_every_reference_to_a_person_is_registered_and_nothing_else() -> None:
    assert set(personal_data.PARTS) == set(references())


def test_what_is_not_exported_or_kept_says_why() -> None:
    keys = {section.key for section in registry.sections()}
    for link in personal_data.PARTS.values():
        assert link.section in keys or link.why, link.column
        assert link.fate is not Fate.KEPT or link.why, link.column


def test_what_is_only_unlinked_can_be_empty() -> None:
    for column, field in references().items():
        if personal_data.PARTS[column].fate is Fate.UNLINKED:
            assert field.null, column
            assert getattr(field.remote_field, "on_delete", None) is SET_NULL, column


def test_a_section_has_one_place_and_one_key() -> None:
    found = registry.sections()
    assert len({section.order for section in found}) == len({section.key for section in found}) == len(found)
