"""A worker falls at each point at which an award can be cut in two (invariant 3; DESIGN 3, "Idempotency"; MECHANICS 2)."""
import pytest

from accolade import SLOW, parallel
from storm import POINTS
from wire import wait_for

DONE = {"before-identity": 0, "after-identity": 0, "before-commit": 0, "in-commit": None, "after-commit": 1, "before-answer": 1}


def entries(t):
    return t.stack.sql("SELECT COUNT(*), COALESCE(SUM(amount), 0) FROM entry WHERE tenant_id = %s", t.id)[0]


def rows(t, table):
    return t.stack.sql(f"SELECT COUNT(*) FROM {table} WHERE tenant_id = %s", t.id)[0][0]


def falls(stack, point, send):
    """The answer of a request that meets the trap, and whether it is the pool's worker that fell there."""
    before = stack.pool_workers()
    planted = stack.plant(point)
    answer = send()
    assert not planted.exists(), "nobody came to the point"
    answer.problem("bad-gateway")  # nginx: the worker is gone, and with it what it knew
    wait_for(lambda: len(before - stack.pool_workers()) == 1, 5 * SLOW)


@pytest.mark.parametrize("point", POINTS)
def test_inv3_an_event_whose_worker_falls_there_is_settled_once(t, point):
    t.event()
    body = t.event_body()
    falls(t.stack, point, lambda: t.post(body))
    if DONE[point] is not None:
        assert entries(t) == (1 + DONE[point], 3 * (1 + DONE[point]))
        assert t.stored_event(body["source"], body["id"]).status == (200 if DONE[point] else 404)
    answer = t.post(body)
    assert answer.ok()["grants"][0]["balance"] == 6 and answer.json["counters"][0]["value"] == 2
    if DONE[point] is not None:
        assert answer.replayed == bool(DONE[point])
    again = t.post(body)
    assert again.replayed and again.body == answer.body
    assert t.event()["grants"][0]["balance"] == 9
    assert entries(t) == (3, 9) and (rows(t, "outcome"), rows(t, "event_identity")) == (3, 3)


@pytest.mark.parametrize("point", POINTS)
def test_inv3_an_adjustment_whose_worker_falls_there_is_made_once(t, point):
    t.event()
    falls(t.stack, point, lambda: t.adjust(amount=10, idempotency_key="k"))
    if DONE[point] is not None:
        assert entries(t) == (1 + DONE[point], 3 + 10 * DONE[point])
    answer = t.adjust(amount=10, idempotency_key="k")
    assert answer.ok(201)["balance_after"] == 13
    if DONE[point] is not None:
        assert answer.replayed == bool(DONE[point])
    again = t.adjust(amount=10, idempotency_key="k")
    assert again.replayed and again.body == answer.body
    assert entries(t) == (2, 13) and rows(t, "outcome") == 2


@pytest.mark.parametrize("point", ["after-identity", "in-commit", "after-commit"])
def test_inv3_an_array_of_two_transactions_whose_worker_falls_between_them(t, point):
    """The first hundred may be done, and the rest is not: the repeat gives each item its one answer."""
    bodies = [t.event_body(f"m{i % 5}") for i in range(150)]
    t.events([t.event_body(f"m{i}") for i in range(5)])
    falls(t.stack, point, lambda: t.post(bodies))
    done = entries(t)[0] - 5
    assert 0 < done < 150 if point == "after-commit" else done == 0 if point == "after-identity" else done < 150
    items = t.events(bodies)
    assert [item["status"] for item in items] == ["processed"] * 150
    if point != "in-commit":
        assert [i.get("replayed", False) for i in items].count(True) == done
    assert entries(t) == (155, 465)
    assert t.events(bodies) == [{**item, "replayed": True} for item in items]


def test_inv3_neighbours_of_a_set_whose_worker_falls(t):
    """Requests of one set fall together; repeated, each gets its own answer, once."""
    for m in range(12):
        t.event(f"m{m}")
    t.stack.plant("before-answer")
    bodies = [t.event_body(f"m{m}") for m in range(12)]
    first = parallel(12, lambda i: t.post(bodies[i]))
    lost = [i for i, answer in enumerate(first) if answer.status == 502]
    assert lost and {answer.status for answer in first} <= {200, 502}
    for i, answer in enumerate(first):
        again = t.post(bodies[i])
        assert again.ok()["grants"][0]["balance"] == 6 and again.json["member"] == f"m{i}" and again.replayed
        assert i in lost or again.body == answer.body
    assert entries(t) == (24, 72)
