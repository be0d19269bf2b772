"""Who may change or remove a message: its author. The one who acts is told apart from the one who wrote it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chat.messages import policy
from chat.protocol import Code, Refused

ACTS = (policy.may_change, policy.may_remove)


@dataclass(frozen=True)
class Somebody:
    """Who acts."""

    pk: int


@dataclass(frozen=True)
class Written:
    """What somebody wrote; None: their account is gone."""

    author_id: int | None


@pytest.mark.parametrize("act", ACTS)
def test_the_author_may(act: Callable[..., None]) -> None:
    act(Somebody(7), Written(7))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("author", [8, None])
def test_nobody_else_may_even_when_the_author_is_gone(act: Callable[..., None], author: int | None) -> None:
    with pytest.raises(Refused) as refused:
        act(Somebody(7), Written(author))
    assert refused.value.code is Code.FORBIDDEN
    assert refused.value.reason
