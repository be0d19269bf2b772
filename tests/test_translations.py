"""Everything that a person reads exists in Japanese, complete and with its values in place."""

import pytest

from tests.translations import DOMAINS, Domain


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.app)
def test_every_text_is_translated(domain: Domain) -> None:
    assert list(domain.faults()) == []
