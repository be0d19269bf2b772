"""Papers by truth table: what may be given on which, the clocks in Japan's calendar, and what no letter can say."""

from datetime import date

import pytest

from compliance.law import STATUTES, cite
from compliance.law.papers import (
    CLOCKS,
    FIELDS,
    FROM_OUTSIDE,
    LETTERS,
    PAPERS,
    SECRET,
    Answer,
    Datum,
    Facts,
    Kind,
    Variant,
    clocks_of,
    may_give,
)

TABLE = """
                 words    parties  times    origin   existence account  poster   post    own
police_inquiry   no       no       no       no       no        decided  no       public  no
bar_inquiry      no       no       no       no       no        decided  no       public  no
warrant          ordered  ordered  ordered  ordered  ordered   ordered  ordered  public  no
preservation     no       no       no       no       no        no       no       public  no
removal          no       no       no       no       no        no       no       public  no
disclosure       no       no       no       no       no        no       heard    public  no
subject_access   no       no       no       no       no        no       no       public  self
subject_erasure  no       no       no       no       no        no       no       public  no
leak             no       no       no       no       no        no       no       public  no
"""


def test_what_may_be_given_is_as_the_table_says() -> None:
    header, *rows = (line.split() for line in TABLE.strip().splitlines())
    told = {
        (Kind(kind), Datum(datum)): Answer(answer)
        for kind, *row in rows
        for datum, answer in zip(header, row, strict=True)
    }
    assert told == {(kind, datum): may_give(kind, datum) for kind in Kind for datum in Datum}


def test_only_an_order_opens_the_secrecy_of_communications() -> None:
    opens = {kind for kind in Kind for datum in SECRET - {Datum.POSTER} if may_give(kind, datum) is not Answer.NO}
    assert opens == {Kind.WARRANT}


DAY = date(2026, 2, 20)


@pytest.mark.parametrize(
    ("kind", "facts", "days"),
    [
        (Kind.POLICE_INQUIRY, Facts(DAY), {"answer": "2026-03-06"}),
        (Kind.BAR_INQUIRY, Facts(DAY, named_on=date(2026, 4, 1)), {"answer": "2026-04-01"}),
        (Kind.WARRANT, Facts(DAY), {"obey": "2026-02-20"}),
        (Kind.WARRANT, Facts(DAY, named_on=date(2026, 2, 25)), {"obey": "2026-02-25"}),
        (Kind.PRESERVATION, Facts(DAY), {"keep": "2026-02-20", "end": "2026-03-22"}),
        (Kind.PRESERVATION, Facts(DAY, named_on=date(2026, 3, 1)), {"keep": "2026-02-20", "end": "2026-03-01"}),
        # No paper makes it longer than the law does.
        (Kind.PRESERVATION, Facts(DAY, named_on=date(2026, 12, 1)), {"keep": "2026-02-20", "end": "2026-03-22"}),
        (Kind.REMOVAL, Facts(DAY), {"decide": "2026-02-27"}),
        (Kind.REMOVAL, Facts(DAY, asked_on=date(2026, 2, 22)), {"decide": "2026-02-27", "objection": "2026-03-01"}),
        (
            Kind.REMOVAL,
            Facts(DAY, asked_on=date(2026, 2, 22), variant=Variant.PRIVATE_IMAGE),
            {"decide": "2026-02-22", "objection": "2026-02-24"},
        ),
        (
            Kind.REMOVAL,
            Facts(DAY, asked_on=date(2026, 2, 22), variant=Variant.ELECTION),
            {"decide": "2026-02-22", "objection": "2026-02-24"},
        ),
        (Kind.REMOVAL, Facts(DAY, asked_on=DAY, variant=Variant.PLAIN), {"decide": "2026-02-20"}),
        (Kind.DISCLOSURE, Facts(DAY), {"hear": "2026-02-20"}),
        (
            Kind.DISCLOSURE,
            Facts(DAY, asked_on=date(2026, 2, 22), ordered_on=date(2026, 5, 1)),
            {"hear": "2026-02-20", "opinion": "2026-03-08", "tell": "2026-05-01"},
        ),
        (Kind.SUBJECT_ACCESS, Facts(DAY), {"answer": "2026-02-20", "house": "2026-03-06"}),
        (Kind.SUBJECT_ERASURE, Facts(DAY), {"answer": "2026-02-20", "house": "2026-03-06"}),
        (Kind.LEAK, Facts(DAY), {"first": "2026-02-20", "secrecy": "2026-03-22", "data": "2026-03-22"}),
        # What an attack changes is the report on personal data; secrecy keeps its 30 days.
        (
            Kind.LEAK,
            Facts(DAY, variant=Variant.ATTACK),
            {"first": "2026-02-20", "secrecy": "2026-03-22", "data": "2026-04-21"},
        ),
    ],
)
def test_clocks(kind: Kind, facts: Facts, days: dict[str, str]) -> None:
    assert {due.clock.key: due.on.isoformat() for due in clocks_of(kind, facts)} == days


def test_each_kind_has_its_articles_clocks_and_letters_in_both_languages() -> None:
    for kind in Kind:
        paper = PAPERS[kind]
        assert CLOCKS[kind]
        for text in (paper.title, paper.what, paper.signed_by, paper.check, *(clock.what for clock in CLOCKS[kind])):
            assert text.ja
            assert text.en
        for article in (*paper.articles, *(a for clock in CLOCKS[kind] for a in clock.articles)):
            assert cite(article).statute.key in STATUTES
        for letter in LETTERS[kind]:
            assert letter.gloss.isascii() or "’" in letter.gloss
    assert set(FROM_OUTSIDE) == {kind for kind in Kind if any(x.key == "received" for x in LETTERS[kind])}


@pytest.mark.parametrize("kind", [Kind.POLICE_INQUIRY, Kind.BAR_INQUIRY])
def test_a_letter_on_an_enquiry_has_no_place_for_what_is_secret(kind: Kind) -> None:
    """Its writer fills in nothing, and it says that it shows neither that there is a record nor that there is none."""
    for letter in LETTERS[kind]:
        assert letter.asks == ()
        assert "記録の存否を含めて" in letter.body


def test_a_letter_is_written_from_its_fields() -> None:
    given = {
        name: f"<{name}>"
        for name in ("date", "to", "operator", "address", "contact", "their_date", "their_number", "case")
    }
    for letters in LETTERS.values():
        for letter in letters:
            for language in ("ja", "en") if letter.by_mail else ("ja",):
                written = letter.written(language, **given, **{name: f"<{name}>" for name in FIELDS})
                for name in ("date", "to", "operator", "case", *letter.asks):
                    assert f"<{name}>" in written
                assert "{" not in written
                assert written.isascii() is (language == "en")


def test_what_goes_by_mail_confirms_without_the_words_of_who_wrote() -> None:
    for kind in FROM_OUTSIDE:
        received = next(letter for letter in LETTERS[kind] if letter.key == "received")
        assert received.by_mail
        assert received.asks == ()
