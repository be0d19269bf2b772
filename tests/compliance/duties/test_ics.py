"""The calendar as an iCalendar stream (RFC 5545)."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from compliance.duties import ics


def day(summary: str = "x", **changes: object) -> ics.Day:
    fields = {"uid": "a@b", "on": date(2028, 2, 29), "summary": summary, "description": "", "url": "", "category": "c"}
    return ics.Day(**fields | changes)  # type: ignore[arg-type]


def unfolded(stream: str) -> list[str]:
    return stream.replace("\r\n ", "").split("\r\n")


@given(st.text(max_size=300))
def test_no_line_is_longer_than_75_octets_and_no_character_is_cut(text: str) -> None:
    stream = ics.render("予定", [day(text, description=text)], datetime(2026, 11, 22, tzinfo=UTC))
    for line in stream.split("\r\n"):
        assert len(line.encode("utf-8", "surrogatepass")) <= 75
        assert "\n" not in line
    assert f"SUMMARY:{ics.escape(text)}" in unfolded(stream)


def test_text_is_escaped_and_times_are_utc() -> None:
    assert ics.escape("a;b,c\\d\r\ne\tf\x00g") == "a\\;b\\,c\\\\d\\nefg"
    at = datetime.fromisoformat("2026-11-22T08:30:00+09:00")
    lines = unfolded(ics.render("n", [day(remind_days=7)], at))
    assert "DTSTAMP:20261121T233000Z" in lines
    assert "DTSTART;VALUE=DATE:20280229" in lines
    assert "DTEND;VALUE=DATE:20280301" in lines
    assert "TRIGGER:-P7D" in lines
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    begun = [line for line in lines if line.startswith("BEGIN")]
    assert len(begun) == len([line for line in lines if line.startswith("END:")])
