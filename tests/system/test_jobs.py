"""`accolade job`: roll-up, partitions, retention (DESIGN 10, MECHANICS 1 "Retention", "Watermark"; invariant 12). A stack of its own,
with short retentions, whose days go by; each test begins a year after the one before, when nothing else is young any more."""
import json
import random
import signal
import subprocess
import time
from contextlib import closing
from datetime import timedelta

import pytest

from accolade import NOON, Failed, Stack, config, currency, ms, parallel, rule

DAY = timedelta(days=1)
CONFIG = config(currency("points"), {"kind": "metric", "code": "acts"},
                rule("act", pays=10, cooldown_s=60, count=[{"metric": "acts", "by": 1}]))


@pytest.fixture(scope="module")
def jobs(recorder):
    made = Stack("jobs", recorder=recorder, identity_days=5, outcome_days=6, partition_days=1).start()
    made.years = 0
    yield made
    try:
        made.verify()
    finally:
        made.stop()
    assert made.sanitizer_reports() == []


@pytest.fixture
def new_year(jobs):
    """The moment at which this test begins; a function that lives on to so many days later."""
    jobs.years += 1
    start = NOON + jobs.years * 365 * DAY
    jobs.clock.set(start)
    return start


def job(stack, name):
    answer = stack.cli_json("job", name)
    assert answer["job"] == name
    return answer["done"]


def live(stack, start, days):
    stack.clock.set(start + days * DAY)
    return start + days * DAY


def set_up(stack, **settings):
    """Other settings from now on; what runs goes on with them."""
    stack.settings.update(settings)
    stack.start(fresh=False)


def rollups(stack, tenant):
    return dict(stack.sql("SELECT account, balance FROM rollup WHERE tenant_id = %s", tenant.id))


ISSUANCE, ADJUSTMENT = 1, 5


def ms_of(**delta):
    return round(timedelta(**delta) / timedelta(milliseconds=1))


# ---- roll-up ----

def test_roll_up_folds_what_wallets_got(jobs, new_year):
    tenant = jobs.tenant(CONFIG)
    job(jobs, "roll-up")
    assert rollups(jobs, tenant) == {}
    for n in range(5):
        tenant.event(f"p{n}", time=new_year)
    assert tenant.adjust("p1", 7).status == 201 and tenant.adjust("p2", -3).status == 201
    assert job(jobs, "roll-up") == 7
    assert rollups(jobs, tenant) == {ISSUANCE: -50, ADJUSTMENT: -4}
    tenant.verify()


def test_roll_up_again_folds_nothing(jobs, new_year):
    """Invariant 12."""
    tenant = jobs.tenant(CONFIG)
    tenant.event("m", time=new_year)
    job(jobs, "roll-up")
    before = jobs.sql("SELECT * FROM rollup ORDER BY 1, 2, 3"), jobs.sql("SELECT name, lane, day, n FROM follower WHERE lane > 0 ORDER BY 1, 2")
    assert job(jobs, "roll-up") == 0
    assert before == (jobs.sql("SELECT * FROM rollup ORDER BY 1, 2, 3"), jobs.sql("SELECT name, lane, day, n FROM follower WHERE lane > 0 ORDER BY 1, 2"))


def test_roll_up_goes_on_over_midnight(jobs, new_year):
    tenant = jobs.tenant(CONFIG)
    for day in range(4):
        tenant.event("m", time=live(jobs, new_year, day))
    assert job(jobs, "roll-up") == 4
    assert rollups(jobs, tenant) == {ISSUANCE: -40}


def test_many_roll_ups_at_once_fold_each_outcome_once(jobs, new_year):
    """Invariant 12: two at once do no harm. More than one batch, whose end falls into a transaction."""
    tenant = jobs.tenant(CONFIG)
    tenant.event("first", time=new_year)
    for n in range(6):
        tenant.events([tenant.event_body(f"p{i}", time=new_year - n * timedelta(seconds=61)) for i in range(1000)])
    assert sum(parallel(4, lambda i: job(jobs, "roll-up"))) == 6001
    assert rollups(jobs, tenant) == {ISSUANCE: -60010}
    tenant.verify()


def test_roll_up_killed_and_run_again(jobs, new_year):
    """Invariant 12: killed at any moment, what one run leaves is left in the end."""
    tenant, rng = jobs.tenant(CONFIG), random.Random(5)
    for n in range(12):
        tenant.events([tenant.event_body(f"p{i}", time=new_year + n * timedelta(seconds=10)) for i in range(100)])
        running = subprocess.Popen([jobs.env["ACCOLADE_BIN"], "job", "roll-up"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0, 0.03))
        running.send_signal(signal.SIGKILL)
        running.communicate()
    job(jobs, "roll-up")
    (total,) = jobs.sql("SELECT SUM(amount) FROM entry WHERE tenant_id = %s", tenant.id)[0]
    assert rollups(jobs, tenant) == {ISSUANCE: -int(total)}
    tenant.verify()


def test_roll_up_stops_before_what_is_damaged(jobs, new_year):
    tenant = jobs.tenant(CONFIG)
    job(jobs, "roll-up")
    tenant.event("m", time=new_year)
    (clear,) = jobs.sql("SELECT clear FROM outcome WHERE tenant_id = %s", tenant.id)[0]
    jobs.sql("UPDATE outcome SET clear = 'x' WHERE tenant_id = %s", tenant.id)
    for _ in range(2):
        with pytest.raises(Failed) as failed:
            job(jobs, "roll-up")
        assert failed.value.code == 1 and "is damaged at day" in failed.value.err and "accolade verify" in failed.value.err
    assert rollups(jobs, tenant) == {}
    jobs.sql("UPDATE outcome SET clear = %s WHERE tenant_id = %s", clear, tenant.id)
    assert job(jobs, "roll-up") == 1
    assert rollups(jobs, tenant) == {ISSUANCE: -10}


# ---- partitions ----

def partitions(stack):
    """The days before which they end; None: the last."""
    rows = stack.sql("SELECT partition_name, partition_description FROM information_schema.partitions WHERE table_schema = DATABASE() "
                     "AND table_name = 'outcome' ORDER BY partition_ordinal_position")
    assert rows[-1] == ("p_rest", "MAXVALUE")
    assert all(name == f"p{end}" for name, end in rows[:-1])
    return [int(end) for name, end in rows[:-1]]


def test_partitions_are_kept_two_ahead(jobs, new_year):
    today = ms(new_year) // 86_400_000
    job(jobs, "partitions")
    assert partitions(jobs)[-3:] == [today + 1, today + 2, today + 3]
    assert job(jobs, "partitions") == 0
    live(jobs, new_year, 1)
    assert job(jobs, "partitions") == 1
    assert partitions(jobs)[-1] == today + 4


def test_partitions_by_many_at_once(jobs, new_year):
    """Invariant 12."""
    live(jobs, new_year, 40)
    assert sum(parallel(4, lambda i: job(jobs, "partitions"))) == 3
    today = ms(new_year + 40 * DAY) // 86_400_000
    assert [end for end in partitions(jobs) if end > today] == [today + 1, today + 2, today + 3]


def test_partitions_are_made_while_events_go_on(jobs, new_year):
    """Each try waits for running transactions for 1 s, twice on MariaDB; awards wait behind it for no longer, and get through in between."""
    tenant = jobs.tenant(CONFIG)
    reader = jobs.db()
    slowest = later = 0
    try:
        with reader.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT COUNT(*) FROM outcome")  # holds the table's definition until it ends
            running = subprocess.Popen([jobs.env["ACCOLADE_BIN"], "job", "partitions"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for n in range(40):
                began, body = time.monotonic(), tenant.event_body(f"p{n}", time=new_year)
                answer = tenant.post(body)
                slowest = max(slowest, time.monotonic() - began)
                if answer.status == 409:  # SEMANTICS 3
                    later += 1
                    answer.problem("in-progress")
                    time.sleep(int(answer.headers["retry-after"]))
                    answer = tenant.post(body)
                answer.ok()
                time.sleep(0.1)
            assert running.poll() is None
    finally:
        reader.close()
    assert running.wait(60) == 0, running.stderr.read()
    assert slowest < 4.5 and later < 10
    assert partitions(jobs)[-1] == ms(new_year) // 86_400_000 + 3
    tenant.verify()


# ---- retention ----

def count(stack, table, tenant):
    return stack.sql(f"SELECT COUNT(*) FROM {table} WHERE tenant_id = %s", tenant.id)[0][0]


def test_what_is_old_goes_and_the_rest_stays_provable(jobs, new_year):
    tenant = jobs.tenant(CONFIG)
    job(jobs, "partitions")
    first = tenant.event_body("m", time=new_year, id="first")
    assert tenant.post(first).status == 200
    assert tenant.adjust("m", 5, idempotency_key="k").status == 201
    tenant.event("other", time=new_year)
    assert [count(jobs, t, tenant) for t in ("event_identity", "outcome", "rule_paid", "idempotency")] == [2, 3, 2, 1]

    live(jobs, new_year, 1.9)
    job(jobs, "retention")
    assert [count(jobs, t, tenant) for t in ("event_identity", "outcome", "rule_paid", "idempotency")] == [2, 3, 2, 1]
    now = live(jobs, new_year, 2.1)  # SEMANTICS 40: 48 h
    job(jobs, "retention")
    assert [count(jobs, t, tenant) for t in ("event_identity", "outcome", "rule_paid", "idempotency")] == [2, 3, 2, 0]
    tenant.event("m", time=now)
    now = live(jobs, new_year, 3.1)  # the window of 72 h and the cooldown are over
    job(jobs, "retention")
    assert [count(jobs, t, tenant) for t in ("event_identity", "outcome", "rule_paid", "idempotency")] == [3, 4, 1, 0]
    tenant.verify()

    now = live(jobs, new_year, 6)  # whole days: received five days before today or earlier
    job(jobs, "retention")
    assert [count(jobs, t, tenant) for t in ("event_identity", "outcome")] == [1, 4]
    tenant.post(first).problem("too-late")
    tenant.verify()

    now = live(jobs, new_year, 7.5)
    job(jobs, "partitions")
    job(jobs, "retention")
    assert count(jobs, "outcome", tenant) == 4, "the roll-up has not read them yet"
    job(jobs, "roll-up")
    job(jobs, "retention")
    assert count(jobs, "outcome", tenant) == 1
    assert count(jobs, "entry", tenant) == 4 and tenant.balance("m") == 25
    report = tenant.verify()
    assert report["uncounted"] == 2 and report["outcomes"] == 1 and report["entries"] == 4
    tenant.event("m", time=now)
    assert tenant.balance("m") == 35
    assert tenant.verify()["uncounted"] == 2
    assert job(jobs, "retention") == 0


def test_a_row_that_goes_too_early_is_still_found(jobs, new_year):
    """What was dropped is remembered: verify knows what may be missing and what may not."""
    tenant = jobs.tenant(CONFIG)
    job(jobs, "partitions")
    tenant.event("m", time=new_year)
    now = live(jobs, new_year, 8)
    job(jobs, "partitions")
    job(jobs, "roll-up")
    tenant.event("m", time=now)
    tenant.event("m", time=now - timedelta(seconds=100))
    job(jobs, "retention")
    assert tenant.verify()["uncounted"] == 1
    row = jobs.sql("SELECT * FROM outcome WHERE tenant_id = %s AND member_version = 3", tenant.id)[0]
    jobs.sql("DELETE FROM outcome WHERE tenant_id = %s AND member_version = 3", tenant.id)
    with pytest.raises(AssertionError, match="the outcome of version 3 of 3 is missing"):
        tenant.verify()
    jobs.sql(f"INSERT INTO outcome VALUES ({', '.join(['%s'] * len(row))})", *row)


def test_many_retentions_at_once(jobs, new_year):
    """Invariant 12."""
    tenant = jobs.tenant(CONFIG)
    job(jobs, "roll-up")
    job(jobs, "retention")  # what the tests before have left
    for _ in range(3):
        tenant.events([tenant.event_body(f"p{n}", time=new_year) for n in range(1000)])
    live(jobs, new_year, 6.5)
    paid = count(jobs, "rule_paid", tenant)
    assert paid == 1000  # one of each member: the others came within its cooldown
    assert sum(parallel(3, lambda i: job(jobs, "retention"))) == 3000 + paid
    assert count(jobs, "event_identity", tenant) == count(jobs, "rule_paid", tenant) == 0
    tenant.verify()


def test_identities_outlive_the_widest_window(jobs, new_year):
    """A retention set lower than a tenant's window needs is not followed: window + 5 minutes + 1 day stay."""
    set_up(jobs, identity_days=20, outcome_days=20)
    try:
        job(jobs, "retention")
        tenant = jobs.tenant(config(currency("points"), rule("act", pays=10), late_window_s=9 * 86400))
        body = tenant.event_body("m", time=new_year)
        first = tenant.post(body)
        set_up(jobs, identity_days=5, outcome_days=6)
        live(jobs, new_year, 9 - 0.001)
        job(jobs, "partitions")
        job(jobs, "roll-up")
        job(jobs, "retention")
        again = tenant.post(body)
        assert again.replayed and again.body == first.body
        assert count(jobs, "event_identity", tenant) == 1 == count(jobs, "outcome", tenant)
        live(jobs, new_year, 12)
        job(jobs, "retention")
        assert count(jobs, "event_identity", tenant) == 0
        tenant.post(body).problem("too-late")
        tenant.verify()
        tenant.apply(config(currency("points"), rule("act", pays=10)))  # the next tests have their short retention back
        job(jobs, "retention")
    finally:
        set_up(jobs, identity_days=5, outcome_days=6)


def waiting(stack, text):
    """Until a session waits with this statement for a lock that we hold."""
    for _ in range(200):
        if any(text in (query or "") for (query,) in stack.sql("SELECT info FROM information_schema.processlist WHERE command <> 'Sleep' "
                                                               "AND id <> CONNECTION_ID()")):
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def test_a_window_widened_while_the_retention_is_lowered(jobs, new_year):
    """MECHANICS 1, "Retention", "Watermark": retention looks at the windows, and a configuration at the retention, while they hold the same
    lock. Otherwise an identity could be forgotten whose event the wide window still lets in, to be paid a second time."""
    WIDE, NARROW = (config(currency("points"), rule("act", pays=10), late_window_s=days * 86400) for days in (9, 2))
    set_up(jobs, identity_days=20, outcome_days=20)
    try:
        job(jobs, "retention")
        tenant = jobs.tenant(WIDE)
        tenant.apply(NARROW)
        kept = "SELECT value FROM installation WHERE name = 'identities_ms'"
        # The configuration waits, and finds what retention has left.
        with closing(jobs.db()) as holder, holder.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE installation SET value = %s WHERE name = 'identities_ms'", ms_of(days=5))
            running = subprocess.Popen([jobs.env["ACCOLADE_BIN"], "config", "rollback", tenant.code, "1"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            waiting(jobs, "INSERT INTO installation")
            cursor.execute("COMMIT")
        assert running.wait(60) == 1 and "the window is too wide" in running.stderr.read()
        jobs.sql("UPDATE installation SET value = %s WHERE name = 'identities_ms'", ms_of(days=20))
        assert jobs.sql("SELECT config_version FROM tenant WHERE tenant_id = %s", tenant.id) == ((2,),)
        set_up(jobs, identity_days=5, outcome_days=6)
        # The other way round: while the job waits the window becomes wide.
        with closing(jobs.db()) as holder, holder.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT value FROM installation WHERE name = 'identities_ms' FOR UPDATE")
            running = subprocess.Popen([jobs.env["ACCOLADE_BIN"], "job", "retention"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            waiting(jobs, "INSERT INTO installation")
            cursor.execute("UPDATE tenant SET config_version = 1 WHERE tenant_id = %s", tenant.id)
            cursor.execute("COMMIT")
        assert running.wait(60) == 0, running.stderr.read()
        assert jobs.sql(kept) == ((ms_of(days=10, minutes=5),),), "window + 5 minutes + 1 day"
        jobs.sql("UPDATE tenant SET config_version = 2 WHERE tenant_id = %s", tenant.id)  # the next tests have their short retention back
    finally:
        set_up(jobs, identity_days=5, outcome_days=6)
        job(jobs, "retention")


def test_raising_the_retention_moves_watermarks(jobs, new_year):
    """MECHANICS 1, "Watermark": an event that was paid and forgotten is never paid again, however wide the window becomes."""
    tenant = jobs.tenant(CONFIG)
    body = tenant.event_body("m", time=new_year)
    assert tenant.post(body).status == 200
    now = live(jobs, new_year, 6)
    job(jobs, "retention")
    assert count(jobs, "event_identity", tenant) == 0
    before = jobs.sql("SELECT watermark_ms FROM tenant WHERE tenant_id = %s", tenant.id)[0][0]
    try:
        set_up(jobs, identity_days=60, outcome_days=60)
        jobs.clock.set(now)
        wide = config(currency("points"), rule("act", pays=10), late_window_s=50 * 86400)
        with pytest.raises(Failed, match="event identities are kept for 5 days here"):
            tenant.apply(wide)  # not yet: what the former retention has forgotten would be accepted again
        job(jobs, "retention")
        (watermark,) = jobs.sql("SELECT watermark_ms FROM tenant WHERE tenant_id = %s", tenant.id)[0]
        due = ms(now - (5 * DAY - DAY - timedelta(minutes=5)))
        assert watermark > before and due <= watermark <= due + 60_000
        assert job(jobs, "retention") == 0
        assert jobs.sql("SELECT watermark_ms FROM tenant WHERE tenant_id = %s", tenant.id)[0][0] == watermark, "once only"
        tenant.apply(wide)
        tenant.post(body).problem("too-late")
        assert tenant.send("m", time=now - 3 * DAY).status == 200
        tenant.verify()
    finally:
        tenant.apply(CONFIG)
        set_up(jobs, identity_days=5, outcome_days=6)
        job(jobs, "retention")


def test_a_job_says_what_it_did(jobs, new_year):
    tenant = jobs.tenant(CONFIG)
    job(jobs, "roll-up")
    tenant.event("m", time=new_year)
    assert jobs.cli("job", "roll-up") == "roll-up: 1 outcomes folded\n"
    assert json.loads(jobs.cli("job", "roll-up", "--json")) == {"job": "roll-up", "done": 0}
    with pytest.raises(Failed) as failed:
        jobs.cli("job", "tidy")
    assert failed.value.code == 2
