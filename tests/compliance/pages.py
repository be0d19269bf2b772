"""What tests of the operator's pages share: permissions, and the text of a page."""

import re
from typing import Any

from django.contrib.auth.models import Permission

from chat.models import User


def may(user: User, *codenames: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


def text(response: Any) -> str:
    """What a person reads, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", response.content.decode()))
