"""memcached: copies of profiles and catalogues under their versions, and nothing that depends on them (DESIGN 8; invariant 8, issue 5, 2)."""
import json
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

import cachemodes
from accolade import NOON, SLOW, at, config, currency, grant, rule, var
from cachemodes import Spoiled
from fastcgi import Master, ask, message

CAREER = {"kind": "level_ladder", "code": "career", "currency": "points",
          "levels": [{"at": 0, "name": "Bronze"}, {"at": 50, "name": "Silver", "privileges": ["chat"]}]}
CONFIG = config(currency(daily_cap={"amount": 80}), CAREER, {"kind": "metric", "code": "acts"},
                rule("r", grant=[grant(var("event.data.n"))], count=[{"metric": "acts", "by": 1}]))


class Side:
    """A pool with a memcached of its own beside the stack's, asked by FastCGI."""
    def __init__(self, stack, folder):
        self.path, self.folder, self.stack = folder / "memcached.sock", folder, stack
        self.start()
        self.master = Master(stack, folder / "pool", memcached=self.path)

    def start(self):
        self.process = subprocess.Popen(["memcached", "-u", "root", "-s", self.path, "-m", "16"], stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10 * SLOW
        while not self.path.is_socket():
            assert time.monotonic() < end
            time.sleep(0.01)

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self.master.__exit__()

    @contextmanager
    def spoiled(self, mode):
        spoiled = Spoiled(mode, self.process.pid, self.path)
        if mode in ("absent", "wrong"):
            self.process.wait()
        try:
            yield spoiled
        finally:
            spoiled.close()
            if mode in ("absent", "wrong"):
                self.path.unlink(missing_ok=True)
                self.start()

    def names(self, use):
        return [n for n in cachemodes.names(self.path) if use.encode() in n]

    def get(self, t, path):
        answer = ask(self.master.socket("api"), message(uri="/v1" + path, key=t.key))
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def profile(self, t, member="m"):
        return self.get(t, f"/members/{member}/profile")

    def state(self):
        checks = json.loads(ask(self.master.socket("api"), message(uri="/readyz", ACCOLADE_LISTENER="admin")).body)
        return checks["checks"]["memcached"]

    def results(self):
        text = ask(self.master.socket("api"), message(uri="/metrics", ACCOLADE_LISTENER="admin")).body.decode()
        return {what: int(n) for what, n in re.findall(r'^accolade_memcached_results_total{result="(\w+)"} (\d+)$', text, re.M)}

    def until(self, condition, ask_for):
        """Asks until the condition holds: on a busy machine a call may take too long, and a copy is then not kept that once."""
        end = time.monotonic() + 20 * SLOW
        while not (held := condition()):
            assert time.monotonic() < end
            self.used()
            ask_for()
        return held

    def used(self):
        """Waits until the one worker of the pool api uses it (again)."""
        end = time.monotonic() + 20 * SLOW
        while self.state() != "ok":
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture(scope="module")
def side(stack, tmp_path_factory):
    made = Side(stack, tmp_path_factory.mktemp("side"))
    yield made
    made.close()


@pytest.fixture
def t(make_tenant, side):
    side.used()
    cachemodes.ask(side.path, b"flush_all")
    return make_tenant(CONFIG)


def shown(profile):
    """(balance, used and left of today's cap, level, privileges)"""
    points = profile["points"][0]
    return points["balance"], points["daily_cap"]["used"], points["daily_cap"]["left"], profile["levels"][0]["level"], profile["privileges"]


def test_a_snapshot_is_kept_under_its_version_and_found_again(t, side):
    t.event(data={"n": 30})
    first = side.profile(t)
    assert shown(first) == (30, 30, 50, 1, [])
    (name,) = side.until(lambda: side.names("profile."), lambda: side.profile(t))
    assert first == t.get("/members/m/profile").ok()
    # What the copy says is what is shown: the profile's row is not read.
    t.stack.sql("INSERT INTO member_profile (tenant_id, member_no, display_name, attributes, member_groups) "
                "SELECT tenant_id, member_no, 'x', '', '' FROM member_state WHERE tenant_id = %s", t.id)
    side.until(lambda: side.profile(t) == first, side.used)
    assert side.names("profile.") == [name]
    t.event(data={"n": 30})
    assert shown(side.profile(t)) == (60, 60, 20, 2, ["chat"])
    side.until(lambda: len(side.names("profile.")) == 2, lambda: side.profile(t))  # each version has its own
    t.call("PATCH", "/members/m", {"display_name": "Em"}).ok()
    assert side.profile(t)["display_name"] == "Em"


def test_an_old_snapshot_under_a_new_name_is_not_taken(t, side):
    t.event(data={"n": 10})
    (old,) = side.until(lambda: side.names("profile."), lambda: side.profile(t))
    copy = cachemodes.value(side.path, old)
    t.event(data={"n": 10})
    (new,) = side.until(lambda: [n for n in side.names("profile.") if n != old], lambda: side.profile(t))
    for wrong in (copy, b"", b"rubbish", cachemodes.value(side.path, new)[:-1]):
        cachemodes.put(side.path, new, wrong)
        assert shown(side.profile(t))[0] == 20
        side.until(lambda: cachemodes.value(side.path, new) != wrong, lambda: side.profile(t))  # made anew
    cachemodes.put(side.path, old, b"wrong")
    assert shown(side.profile(t))[0] == 20


def test_no_copy_can_be_read_and_those_of_a_member_belong_to_it(t, side):
    for member in ("anna-secret", "b"):
        t.call("PUT", f"/members/{member}", {"display_name": "Anna Secret", "attributes": {"city": "Secretville"}}).ok(201)
        side.until(lambda: len(side.names("profile.")) == (1 if member != "b" else 2), lambda: side.profile(t, member))
    one, other = side.names("profile.")
    stored = cachemodes.value(side.path, one) + cachemodes.value(side.path, other) + one + other
    assert b"ecret" not in stored and b"points" not in stored and b"balance" not in stored
    text = cachemodes.value(side.path, other)
    cachemodes.put(side.path, one, text)
    cachemodes.put(side.path, other, cachemodes.value(side.path, one))
    assert side.profile(t, "b")["member"] == "b" and side.profile(t, "anna-secret")["member"] == "anna-secret"


def test_the_day_ends_in_a_snapshot_too(t, side, clock):
    t.event(data={"n": 30})
    assert shown(side.profile(t))[:3] == (30, 30, 50)
    clock.set(at("2030-02-14T00:00:01"))
    assert shown(side.profile(t))[:3] == (30, 0, 80) and side.profile(t)["points"][0]["earned_today"] == 0
    clock.set(NOON)  # a clock that steps back
    assert shown(side.profile(t))[:3] == (30, 30, 50)
    clock.set(NOON + timedelta(hours=11, minutes=58))
    t.event(data={"n": 5}, time=at("2030-02-14T00:01:00"))  # ahead: of tomorrow
    assert shown(side.profile(t))[:3] == (35, 30, 50)
    clock.set(at("2030-02-14T00:01:01"))
    assert shown(side.profile(t))[:3] == (35, 5, 75)


def test_a_new_zone_of_a_member_ends_a_snapshot(t, side, clock):
    t.event(data={"n": 1})
    t.call("PATCH", "/members/m", {"zone": "Asia/Tokyo"}).ok()
    assert side.profile(t)["zone_from"] == "2030-02-14T00:00:00.000Z"
    clock.set(at("2030-02-14T00:00:01"))
    assert side.profile(t)["zone_from"] is None


def test_a_catalogue_is_kept_by_version_and_a_write_is_seen_at_once(t, side):
    assert side.get(t, "/config") == t.get("/config").ok() == side.get(t, "/config")
    assert [d["code"] for d in side.get(t, "/config/rule")["definitions"]] == ["r"]
    names = side.until(lambda: len(side.names("config.")) == 2 and side.names("config."), lambda: (side.get(t, "/config"), side.get(t, "/config/rule")))
    t.apply(config(currency(), rule("r", pays=1)))
    assert side.get(t, "/config")["version"] == 2 and len(side.get(t, "/config")["definitions"]) == 2
    assert [d["kind"] for d in side.get(t, "/config/rule")["definitions"]] == ["rule"]
    for name in names:  # the old ones as the new ones: not taken
        cachemodes.put(side.path, name.replace(b"config.1.", b"config.2."), cachemodes.value(side.path, name))
    assert side.get(t, "/config")["version"] == 2


def test_an_erased_member_and_a_second_one_of_its_name(t, side):
    t.event(data={"n": 10})
    side.profile(t)
    t.call("DELETE", "/members/m", headers={"Idempotency-Key": "gone"})
    gone = ask(side.master.socket("api"), message(uri="/v1/members/m/profile", key=t.key))
    assert gone.status == 404
    t.event(data={"n": 3})
    assert shown(side.profile(t))[0] == 3


def test_M11_what_came_of_calls_is_counted(t, side):
    """Of copies alone: what hosts tell each other once a second is no hit and no miss."""
    t.event(data={"n": 1})
    began = side.results()
    side.until(lambda: all(side.results()[what] > began[what] for what in ("hit", "miss", "store")), lambda: side.profile(t))
    before = side.results()
    time.sleep(1.5)
    assert side.results() == before and before["fault"] == began["fault"]
    with side.spoiled("hung"):
        for _ in range(3):
            side.profile(t)
        hung = side.results()
    assert {what: hung[what] - before[what] for what in ("hit", "miss", "store")} == {"hit": 0, "miss": 0, "store": 0}
    assert hung["fault"] > before["fault"] and hung["rest"] + hung["fault"] >= before["rest"] + before["fault"] + 2


@pytest.mark.parametrize("mode", ["absent", "flushed", "hung", "wrong"])
def test_inv8_the_same_answers_whatever_is_wrong_with_it(t, side, mode):
    """Fast too: a server that hangs costs one time-out, then it is left alone."""
    t.event(data={"n": 30})
    side.profile(t)
    with side.spoiled(mode) as spoiled:
        slow = 0
        for n in range(1, 9):
            if n % 2:
                t.event(data={"n": 2})
            began = time.monotonic()
            assert shown(side.profile(t)) == (30 + (n + 1) // 2 * 2, 30 + (n + 1) // 2 * 2, 50 - (n + 1) // 2 * 2, 1, [])
            assert side.get(t, "/members/m/points")["currencies"] == side.profile(t)["points"]
            assert side.get(t, "/config")["version"] == 1
            slow += time.monotonic() - began > 0.05
        assert slow <= 2 if mode == "hung" and SLOW == 1 else True
        if mode == "wrong":
            assert spoiled.wrong.asked > 8
        assert side.state() == cachemodes.STATES[mode]
    side.used()
    assert shown(side.profile(t))[0] == 38
