"""The arithmetic of how far it goes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import msgspec
import pytest

from tests.load import scale
from tests.load.scale import LIMITS, Costs, Limit, Town

pytestmark = pytest.mark.load

HINTS, REDIS, DATABASE, PRESENCE = LIMITS
FREE = Costs(*[0.0] * 11)
TOWN = Town(sockets=100_000, messages_per_second=1_000, joins_per_second=50)


@pytest.mark.parametrize(
    ("cost", "cores"),
    [
        ({"delivery": 10.0}, 0.5 + 0.05),  # 50,000 deliveries a second, and 5,000 counts shown
        ({"message": 100.0}, 0.1),
        ({"join": 1_000.0}, 0.05),
    ],
)
def test_what_the_servers_do(cost: dict[str, float], cores: float) -> None:
    assert sum(scale.server_cores(TOWN, replace(FREE, **cost)).values()) == pytest.approx(cores)


@pytest.mark.parametrize(
    ("cost", "cores"),
    [
        ({"database_message": 100.0}, 0.1),
        ({"database_join": 1_000.0}, 0.05),
        ({"database_login": 60.0}, 0.1),  # 1,667 logins a second
        ({"database_head": 10.0}, 0.1),  # 2,000 rooms, each in all five processes
    ],
)
def test_what_the_database_does(cost: dict[str, float], cores: float) -> None:
    costs = replace(FREE, **cost)
    assert sum(scale.database_cores(TOWN, costs).values()) == pytest.approx(cores)
    halves = replace(TOWN, databases=2)
    assert sum(scale.database_cores(halves, costs).values()) == pytest.approx(cores / 2)


def test_processes_hold_sockets_work_and_what_they_hear() -> None:
    assert scale.processes(TOWN, FREE) == 5  # 20,000 sockets each
    assert scale.processes(TOWN, replace(FREE, message=60_000.0)) == 100  # 60 cores of work, 0.6 of each
    assert scale.processes(TOWN, replace(FREE, message=60_000.0, hear=300.0)) == 200  # half of which hears
    assert scale.processes(TOWN, replace(FREE, hear=600.0)) == 0  # no number is enough
    assert scale.processes(replace(TOWN, groups=2), replace(FREE, hear=600.0)) == 5


def test_redis_copies_to_every_process_of_a_group() -> None:
    costs = replace(FREE, redis_publication=10.0, redis_subscriber=2.0)
    assert scale.redis_core(TOWN, costs) == pytest.approx(1_000 * (10 + 5 * 2) / 1e6)
    assert scale.redis_core(replace(TOWN, groups=5), costs) == pytest.approx(200 * (10 + 2) / 1e6)


@pytest.mark.parametrize(
    ("limit", "cost", "end"),
    [
        (HINTS, {"hear": 300.0}, 100_000),  # 1,000 messages a second take 0.3 of a core: half of what may be used
        (DATABASE, {"database_message": 9_600.0}, 100_000),
        (REDIS, {"redis_publication": 600.0}, 100_000),
        (HINTS, {}, None),
    ],
)
def test_what_ends_it_and_where(limit: Limit, cost: dict[str, float], end: int | None) -> None:
    found = scale.ends_at(limit, TOWN, replace(FREE, **cost))
    assert found == (end and pytest.approx(end, abs=2))


@pytest.mark.parametrize(
    ("limit", "way"),
    [(HINTS, {"groups": 4}), (REDIS, {"groups": 4}), (DATABASE, {"databases": 2}), (PRESENCE, {"groups": 4})],
)
def test_the_way_past_leads_past(limit: Limit, way: dict[str, int]) -> None:
    wider = replace(Town(), **way)
    assert limit.used(wider, Costs()) < limit.used(Town(), Costs())


def test_what_the_bench_measured_takes_the_place_of_the_defaults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {
        "room": {"todoke": [{"cpu": 6.0}, {"cpu": 9.0}, {"cpu": 5.0}], "peer": [{"cpu": 200.0}]},
        "pairs": {"todoke": [{"cpu": 36.0, "database": 7.0, "redis": 3.0}]},
        "split": {"todoke": [{"cpu": 60.0, "database": 7.0, "redis": 6.0}]},
        "arrivals": {"todoke": [{"ms": 2.0, "database": 0.5}]},
    }
    assert Costs.measured(figures) == {
        "delivery": 6.0,
        "message": 84.0,
        "hear": 24.0,
        "database_message": 14.0,
        "redis_publication": 4.0,
        "redis_subscriber": 4.0,
        "join": 2_000.0,
        "database_join": 500.0,
    }
    assert Costs.measured({"idle": {"todoke": [{"kib": 30.0}]}}) == {}
    (tmp_path / "bench.json").write_bytes(msgspec.json.encode(figures))
    given = ["--sockets", "2000000", "--cost-hear-us", "1", "--cost-hear-count-us", "0.4"]
    assert scale.main(["--measured", str(tmp_path / "bench.json"), *given]) == 0
    told = capsys.readouterr().out
    assert told.startswith("2,000,000 sockets in 40,000 rooms of 50;")
    assert "| … deliveries | 3.0 cores in all |" in told
    assert "| … hearing the others | 0.09 of a core in each |" in told


def test_everything_can_be_given() -> None:
    given = {scale._field(flag) for flag in scale.OPTIONS}
    assert given == {(kind, field.name) for kind in (Town, Costs) for field in fields(kind)}


def test_the_first_to_end_stands_first(capsys: pytest.CaptureFixture[str]) -> None:
    scale.main([])
    rows = capsys.readouterr().out.split("used now")[1].splitlines()[2:]
    ends = [row.split(" | ")[2].replace(",", "") for row in rows]
    assert len(ends) == len(LIMITS)
    assert [end for end in ends if end != "never"] == sorted((end for end in ends if end != "never"), key=int)
