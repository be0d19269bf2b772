"""The column of e-mail addresses, which keeps each address in one spelling."""

from __future__ import annotations

from typing import Any

from django.db import models

from chat.text.addresses import fold


class AddressField(models.EmailField):  # type: ignore[type-arg]
    """A column of addresses. Each value that is stored or looked up is folded first."""

    def get_prep_value(self, value: Any) -> Any:
        """Fold a value that goes to the database: to be stored, or to be compared with."""
        value = super().get_prep_value(value)
        return fold(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 -- Django's own signature
        """Set the folded address on the instance, too."""
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            value = fold(value)
            setattr(model_instance, self.attname, value)
        return value
