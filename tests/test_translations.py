"""What a person reads exists in Japanese, complete, with its values in place, and in one word for each thing."""

import re
from typing import Final

import pytest
from django.utils.translation import trans_real

from tests.serving import ROOT
from tests.translations import DOMAINS, Domain, forms

#: What is said otherwise here: ログイン, アカウントを作る, クローズド・チャット, 生体認証.
OTHER_WORDS: Final = re.compile("サインイン|サインアウト|サインアップ|ユーザー登録|閉じた会話|閉じた部屋|生態認証")


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.app)
def test_every_text_is_translated(domain: Domain) -> None:
    assert list(domain.faults()) == []


def test_a_text_has_one_translation_in_all_catalogues() -> None:
    """Django asks the catalogues in turn: of two translations, a page never shows the second."""
    first, *others = (domain.translated() for domain in DOMAINS)
    both = [(one, each.get(one.id, one.context)) for each in others for one in first if one.id]
    assert [one.id for one, other in both if other is not None and forms(one) != forms(other)] == []


def test_each_thing_has_one_word() -> None:
    catalog = trans_real.translation("ja")._catalog  # type: ignore[attr-defined]
    texts = {key: catalog[key] for key in catalog.keys()}  # noqa: SIM118 -- of several catalogs, the first that has a text
    said = {text: key for key, text in texts.items() if isinstance(text, str) and "provider_name" not in text}
    assert len(said) > 1000
    found = {text: key for text, key in said.items() if OTHER_WORDS.search(text)}
    for folder in ("chat", "compliance", "templates"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".html", ".txt"} and (word := OTHER_WORDS.search(path.read_text())):
                found[f"{path}: {word[0]}"] = ""
    assert found == {}
