"""`accolade verify` with a long history, and while everything runs (MECHANICS 3)."""
import threading
from datetime import timedelta

import pytest

from accolade import NOON, Failed, config, currency, rule
from damaged import CONFIG


def test_a_long_history_is_read_page_by_page(stack, make_tenant):
    """More outcomes of one day than a page has, more entries, more members than a slice, more than a roll-up folds at once."""
    tenant = make_tenant(config(currency("points"), rule("act", pays=1)))
    for day in range(3):
        stack.clock.set(NOON + timedelta(days=day))
        tenant.events([tenant.event_body("m", id=f"{day}-{n}") for n in range(700)] + [tenant.event_body(f"p{day}-{n}") for n in range(300)])
    report = tenant.verify()
    assert (report["members"], report["outcomes"], report["entries"], report["identities"]) == (901, 3000, 3000, 3000)
    assert report["uncounted"] == 0
    key = "tenant_id = %s AND identity = (SELECT MAX(identity) FROM (SELECT identity FROM event_identity WHERE tenant_id = %s) AS x)"
    row = stack.sql(f"SELECT * FROM event_identity WHERE {key}", tenant.id, tenant.id)[0]
    stack.sql(f"DELETE FROM event_identity WHERE {key}", tenant.id, tenant.id)
    with pytest.raises(Failed, match="its event has no identity"):
        stack.cli("verify", "--tenant", tenant.code)
    stack.sql(f"INSERT INTO event_identity VALUES ({', '.join(['%s'] * len(row))})", *row)


def test_nothing_is_wrong_while_everything_runs(stack, make_tenant):
    """MECHANICS 3: slices, sums and lanes are proved at cuts while events, adjustments and roll-ups go on."""
    tenant = make_tenant(CONFIG)
    stop = threading.Event()
    sent = []

    def events(worker):
        n = 0
        while not stop.is_set():
            tenant.events([tenant.event_body(f"p{(n + i) % 40}", ("act", "cool")[i % 2], time=NOON - timedelta(days=i % 3)) for i in range(20)])
            tenant.adjust(f"p{n % 40}", 1)
            n += 7
            stop.wait(0.02)
        sent.append(n)

    def roll_up():
        while not stop.wait(0.1):
            stack.cli("job", "roll-up")

    threads = [threading.Thread(target=events, args=(i,)) for i in range(3)] + [threading.Thread(target=roll_up)]
    for thread in threads:
        thread.start()
    try:
        outcomes = [tenant.verify()["outcomes"] for _ in range(4)]
        stack.verify()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(sent) == 3 and min(sent) > 0
    assert outcomes == sorted(set(outcomes)), "it went on meanwhile"
