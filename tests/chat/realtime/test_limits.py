"""Token buckets: a burst at once, then as fast as pieces come back, and no key is remembered for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.realtime.limits import Bucket, Rate, Throttle

rates = st.builds(Rate, st.integers(1, 50).map(float), st.floats(0.01, 100))
gaps = st.lists(st.floats(0, 20), max_size=120)


def test_a_burst_passes_and_the_next_is_told_how_long_to_wait() -> None:
    rate = Rate(3, 0.5)
    bucket = Bucket(rate, 100.0)
    assert [bucket.take(rate, 100.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(rate, 100.0) == pytest.approx(2.0)
    assert bucket.take(rate, 101.0) == pytest.approx(1.0)
    assert bucket.take(rate, 102.0) == 0.0


@given(rate=rates, gaps=gaps)
def test_never_more_passes_than_burst_and_refill_allow(rate: Rate, gaps: list[float]) -> None:
    bucket, now, passed = Bucket(rate, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        passed += bucket.take(rate, now) == 0.0
        assert passed <= rate.burst + now * rate.per_second + 1e-6


@given(rate=rates, gaps=gaps)
def test_who_waits_as_told_passes(rate: Rate, gaps: list[float]) -> None:
    bucket, now = Bucket(rate, 0.0), 0.0
    for gap in gaps:
        now += gap
        wait = bucket.take(rate, now)
        assert wait >= 0
        if wait:
            assert wait <= 1 / rate.per_second
            now += wait + 1e-6
            assert bucket.take(rate, now) == 0.0


@given(rate=rates, gaps=gaps)
def test_a_refused_attempt_costs_nothing(rate: Rate, gaps: list[float]) -> None:
    """Whoever keeps trying while they have to wait passes no later than whoever does not."""
    patient, hasty, now = Bucket(rate, 0.0), Bucket(rate, 0.0), 0.0
    for _ in range(int(rate.burst)):
        patient.take(rate, now)
        hasty.take(rate, now)
    for gap in gaps:
        now += gap
        while hasty.take(rate, now):
            now += 0.5 / rate.per_second
        assert patient.take(rate, now) == pytest.approx(0.0, abs=1e-6)


def test_keys_do_not_share() -> None:
    throttle = Throttle(Rate(1, 0.1))
    assert throttle.take("a", 0.0) == 0.0
    assert throttle.take("b", 0.0) == 0.0
    assert throttle.take("a", 0.0) > 0


def test_the_number_of_keys_is_bounded() -> None:
    throttle = Throttle(Rate(2, 0.001), most=100)
    for number in range(1000):
        throttle.take(number, 0.0)
        assert len(throttle) <= 101


def test_full_buckets_are_forgotten_and_others_are_not() -> None:
    throttle = Throttle(Rate(2, 1.0), most=100)
    for number in range(50):
        throttle.take(number, 0.0)
    for number in range(50, 80):  # by now the first are full again
        throttle.take(number, 100.0)
    assert len(throttle) < 50
    tight = Throttle(Rate(1, 0.001), most=100)
    tight.take("spent", 0.0)
    for number in range(50):
        tight.take(number, 0.0)
    assert tight.take("spent", 1.0) > 0, "who used up their rate does not get a new one while there is room"


def test_who_is_busy_is_kept_and_the_longest_unused_goes() -> None:
    throttle = Throttle(Rate(1, 0.0001), most=10)
    throttle.take("busy", 0.0)
    for number in range(200):
        throttle.take(number, 0.0)
        assert throttle.take("busy", 0.0) > 0
