"""What is said in a closed room rests sealed, opens for that room alone, and survives a change of keys."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from compliance import vault
from compliance.vault import Place, Unsealable

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
ROOM = UUID("5d8a1f3e-0000-4000-8000-000000000001")
PLACE = Place(ROOM, 7, 3, "message")
bodies = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
keeps_settings = given_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> Settings:
    """One key."""
    settings.CLOSED_CHAT_KEYS = [OLD]
    return settings


def is_current(sealed: bytes) -> bool:
    """Return whether the newest key sealed this body."""
    return sealed[:5] == vault.current_prefix()


@given(body=bodies, room=st.uuids())
def test_a_sealed_body_opens_for_its_room(body: str, room: UUID) -> None:
    place = PLACE._replace(room=room)
    sealed = vault.seal(place, body)
    assert vault.unseal(place, sealed, vault.Purpose.READING) == body
    assert len(sealed) == 1 + 4 + 8 + 12 + len(body.encode()) + 16
    assert is_current(sealed)
    assert sealed.startswith(vault.current_prefix())


places = st.builds(
    Place,
    st.sampled_from([ROOM, UUID(int=1)]),
    st.integers(1, 3),
    st.sampled_from([3, 4]),
    st.sampled_from(["message", "edit", "notice"]),
    st.sampled_from([None, 1, 2]),
)


@given(body=bodies, place=places, other=places)
def test_it_opens_at_no_other_place(body: str, place: Place, other: Place) -> None:
    """Neither in another room nor under another number, author, kind of event or target."""
    sealed = vault.seal(place, body)
    if place != other:
        with pytest.raises(Unsealable):
            vault.unseal(other, sealed, vault.Purpose.READING)


@given(body=bodies, place=places)
def test_it_opens_when_its_author_is_gone_and_under_no_other_name(body: str, place: Place) -> None:
    sealed = vault.seal(place, body)
    gone = place._replace(author=None)
    assert vault.unseal(gone, sealed, vault.Purpose.READING) == body
    forged = sealed[:5] + (99).to_bytes(8) + sealed[13:]
    for claimed in (gone, place._replace(author=99)):
        with pytest.raises(Unsealable):
            vault.unseal(claimed, forged, vault.Purpose.READING)
    assert vault.unseal(place, vault.reseal(gone, sealed), vault.Purpose.READING) == body


@given(body=bodies, data=st.data())
def test_no_bit_can_be_changed(body: str, data: st.DataObject) -> None:
    sealed = bytearray(vault.seal(PLACE, body))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Unsealable):
        vault.unseal(PLACE, bytes(sealed), vault.Purpose.READING)


@given(sealed=st.binary(max_size=100))
def test_nonsense_is_refused_and_raises_nothing_else(sealed: bytes) -> None:
    with pytest.raises(Unsealable):
        vault.unseal(PLACE, sealed, vault.Purpose.READING)


@given(body=bodies, data=st.data())
def test_no_end_can_be_cut_off_or_added(body: str, data: st.DataObject) -> None:
    sealed = vault.seal(PLACE, body)
    for changed in (sealed[: data.draw(st.integers(0, len(sealed) - 1))], sealed + b"\0"):
        with pytest.raises(Unsealable):
            vault.unseal(PLACE, changed, vault.Purpose.READING)


def test_the_words_do_not_show_and_the_same_words_differ() -> None:
    sealed = {vault.seal(PLACE, "ここだけの話") for _ in range(200)}
    assert len(sealed) == 200
    assert not any("ここだけの話".encode() in each for each in sealed)
    assert len({each[13:25] for each in sealed}) == 200


def test_rooms_share_no_key() -> None:
    first, second = uuid4(), uuid4()
    assert vault._derive(OLD, first) is not vault._derive(OLD, second)
    sealed = vault.seal(PLACE._replace(room=first), "あ")
    # With the right associated data, too, the other room's key does not open it.
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415

    with pytest.raises(InvalidTag):
        vault._derive(OLD, second).decrypt(
            sealed[13:25], sealed[25:], vault._associated(PLACE._replace(room=first), sealed[5:13])
        )


@keeps_settings
@given(body=bodies)
def test_a_new_key_seals_and_the_old_one_still_opens(keys: Settings, body: str) -> None:
    keys.CLOSED_CHAT_KEYS = [OLD]
    before = vault.seal(PLACE, body)
    keys.CLOSED_CHAT_KEYS = [NEW, OLD]
    after = vault.seal(PLACE, body)
    assert (
        vault.unseal(PLACE, before, vault.Purpose.READING) == vault.unseal(PLACE, after, vault.Purpose.READING) == body
    )
    assert not is_current(before)
    assert is_current(after)
    keys.CLOSED_CHAT_KEYS = [NEW]
    assert vault.unseal(PLACE, after, vault.Purpose.READING) == body
    with pytest.raises(Unsealable, match="no longer"):
        vault.unseal(PLACE, before, vault.Purpose.READING)


def test_a_key_that_was_never_there_opens_nothing(keys: Settings) -> None:
    sealed = vault.seal(PLACE, "あ")
    keys.CLOSED_CHAT_KEYS = [OTHER]
    with pytest.raises(Unsealable):
        vault.unseal(PLACE, sealed, vault.Purpose.READING)
    # Nor does one that carries the name of another.
    with pytest.raises(Unsealable):
        vault.unseal(PLACE, vault.current_prefix() + sealed[5:], vault.Purpose.READING)


def test_without_a_key_nothing_is_stored_rather_than_stored_plain(keys: Settings) -> None:
    keys.CLOSED_CHAT_KEYS = []
    with pytest.raises(Unsealable, match="CLOSED_CHAT_KEYS"):
        vault.seal(PLACE, "あ")


def test_a_shell_is_no_participant(monkeypatch: pytest.MonkeyPatch, keys: Settings) -> None:
    sealed = vault.seal(PLACE, "あ")
    monkeypatch.setattr(vault, "_at_console", False)  # put back afterwards
    vault.at_console()
    for purpose in (vault.Purpose.READING, vault.Purpose.REPORTING):
        with pytest.raises(Unsealable, match="shell"):
            vault.unseal(PLACE, sealed, purpose)
    assert vault.unseal(PLACE, vault.reseal(PLACE, sealed), vault.Purpose.RESEALING) == "あ"


def test_the_purpose_of_restoring_opens_what_was_removed_from_an_open_room_and_nothing_else() -> None:
    removed = PLACE._replace(kind=vault.REMOVED, author=None)
    sealed = vault.seal(removed, "やあ")
    assert vault.unseal(removed, sealed, vault.Purpose.RESTORING) == "やあ"
    for place, purpose in ((removed, vault.Purpose.READING), (PLACE, vault.Purpose.RESTORING)):
        with pytest.raises(vault.Unsealable):
            vault.unseal(place, vault.seal(place, "やあ"), purpose)
