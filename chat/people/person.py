"""The person behind a socket or a request."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chat.models import User


@dataclass(frozen=True, slots=True)
class Person:
    """Who is on a socket or behind a request, as far as a rule needs to know."""

    pk: int
    id: str
    name: str
    guest: bool
    language: str = "ja"
    role: str = ""  # as `models.Role`

    @classmethod
    def of(cls, user: User, language: str = "ja") -> Person:
        """Return the person behind an account row, and the language that refusals to them speak."""
        return cls(user.pk, str(user.public_id), user.name, user.is_guest, language, user.role.value)

    def as_now(self, now: Person) -> Person:
        """Return this person with the name and the role of another moment; itself if they are the same."""
        found = replace(now, language=self.language)
        return self if found == self else found
