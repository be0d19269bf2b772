"""What a comparison of two commits makes of its figures."""

from __future__ import annotations

import pytest

from tests.load.compare import ratio, verdict

pytestmark = pytest.mark.load

COST = ("µs", "cpu", False)
RATE = ("pairs/s", "rate", True)


def test_a_higher_cost_and_a_lower_rate_are_both_worse() -> None:
    assert ratio(COST, {"cpu": 10.0}, {"cpu": 12.0}) == pytest.approx(1.2)
    assert ratio(RATE, {"rate": 120.0}, {"rate": 100.0}) == pytest.approx(1.2)


@pytest.mark.parametrize(("costs", "expected"), [([10.9, 11.0, 30.0], 0), ([9.0, 11.2, 11.3], 1)])
def test_the_median_of_the_pairs_decides(costs: list[float], expected: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict({"room": COST}, {"room": [({"cpu": 10.0}, {"cpu": cost}) for cost in costs]}) == expected
    assert ("| no |" in capsys.readouterr().out) == bool(expected)
