"""Rate limits for several hosts together (DESIGN 8, SEMANTICS 33; issue 5, 2): two pools with a page each, one database and one memcached, by which
they tell each other once a second what they let pass; a third one beside them that does not."""
import json
import re
import signal
import subprocess
import time
from collections import Counter

import pytest

import cachemodes
from accolade import SLOW, Clock, config, currency, rule
from fastcgi import Master, ask, message

LEFT = re.compile(r'"events";r=(\d+)')


class Hosts:
    def __init__(self, stack, folder):
        self.path = folder / "memcached.sock"
        self.process = subprocess.Popen(["memcached", "-u", "root", "-s", self.path, "-m", "16"], stdin=subprocess.DEVNULL)
        self.wait(self.path.is_socket)
        self.one, self.two, self.alone = (Master(stack, folder / name, memcached=self.path, rates_shared=shared)
                                          for name, shared in (("one", 1), ("two", 1), ("alone", 0)))
        self.wait(lambda: all(self.metric(h, "hosts") == 1 for h in (self.one, self.two)))
        self.slots = self.names(b"slot")
        assert len(self.slots) == 2

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        for host in (self.one, self.two, self.alone):
            host.__exit__()
        self.process.kill()
        self.process.wait()

    @staticmethod
    def wait(condition):
        end = time.monotonic() + 20 * SLOW
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.02)

    @staticmethod
    def metric(host, name, prefix="accolade_rate_"):
        text = ask(host.socket("api"), message(uri="/metrics", ACCOLADE_LISTENER="admin")).body.decode()
        return int(re.search(rf"^{prefix}{re.escape(name)} (\d+)$", text, re.M)[1])

    def faults(self, host):
        """Calls that waited for memcached in vain."""
        return self.metric(host, 'results_total{result="fault"}', "accolade_memcached_")

    def shares(self, host, what):
        return self.metric(host, f'shares_total{{what="{what}"}}')

    def heard(self, what, *by):
        """Does it, and waits until all of it was told and these hosts have heard of it."""
        tellers = [self.one if host is self.two else self.two for host in by]
        before = [self.shares(host, "heard") - self.shares(teller, "told") for host, teller in zip(by, tellers)]
        result = what()
        self.rounds(2)
        self.wait(lambda: all(self.shares(host, "heard") - self.shares(teller, "told") >= n for host, teller, n in zip(by, tellers, before)))
        return result

    def names(self, what):
        return [name for name in cachemodes.names(self.path) if b":%s:" % what in name]

    def rounds(self, n):
        """Waits until both have ended n rounds: the first may have begun before; after two all is told. In each one a slot is sealed anew."""
        for _ in range(n):
            before = [cachemodes.value(self.path, slot) for slot in self.slots]
            self.wait(lambda: all(cachemodes.value(self.path, slot) not in (None, value) for slot, value in zip(self.slots, before)))


@pytest.fixture(scope="module")
def hosts(stack, tmp_path_factory):
    made = Hosts(stack, tmp_path_factory.mktemp("hosts"))
    yield made
    made.close()


def limited(count, per):
    return config(currency(), rule("paid", pays=1), rate_limits=[{"limit": "events", "count": count, "per": per}])


def send(host, t):
    return ask(host.socket("events"), message("POST", "/v1/events", json.dumps(t.event_body()).encode(), key=t.key))


def statuses(host, t, n):
    return Counter(send(host, t).status for _ in range(n))


def left(host, t):
    return int(LEFT.search(send(host, t).headers["ratelimit"])[1])


def test_M6_what_one_host_let_pass_the_other_does_not_let_pass_again(hosts, make_tenant):
    """In sum the allowance, not twice that; who does not share gives it once more."""
    t = make_tenant(limited(20, "day"))
    assert hosts.heard(lambda: statuses(hosts.one, t, 22), hosts.two) == {200: 20, 429: 2}
    assert statuses(hosts.two, t, 5) == {429: 5}
    assert statuses(hosts.one, t, 1) == {429: 1}
    assert statuses(hosts.alone, t, 22) == {200: 20, 429: 2}
    assert t.points("m")["balance"] == 40


def test_M6_two_hosts_in_the_same_second_owe_together_what_both_let_pass(hosts, make_tenant):
    """Before they hear of each other each may give a whole allowance: nobody waits longer for it than the time of one more."""
    t = make_tenant(limited(10, "minute"))
    both = hosts.heard(lambda: statuses(hosts.one, t, 10) + statuses(hosts.two, t, 10), hosts.one, hosts.two)
    assert both == {200: 20}
    for host in (hosts.one, hosts.two):
        answer = send(host, t)
        assert answer.status == 429 and 66 - 15 * SLOW <= int(answer.headers["retry-after"]) <= 66, answer.headers


def test_each_use_is_charged_once_and_old_copies_never(hosts, make_tenant):
    """Neither a tale that is there again, nor an old one under a new number, nor rubbish in the slots; and a flush loses nothing that was heard."""
    t = make_tenant(limited(20, "day"))
    assert hosts.heard(lambda: statuses(hosts.one, t, 5), hosts.two) == {200: 5}
    assert hosts.heard(lambda: left(hosts.two, t), hosts.one) == 14  # nobody has anything to tell while the slots are written over
    kept = {name: cachemodes.value(hosts.path, name) for name in hosts.names(b"tale") + hosts.slots}
    assert {len(value) for value in kept.values()} == {52, 60}, kept  # sealed: 28, 8 of the time, and 16 or 24 of a name
    for name, value in kept.items():
        cachemodes.put(hosts.path, name, value)
        if b":tale:" in name:
            stem, _, number = name.rpartition(b":")
            for later in range(int(number) + 1, int(number) + 6):
                cachemodes.put(hosts.path, stem + b":%d" % later, value)
    for slot in range(1, 17):
        cachemodes.put(hosts.path, hosts.slots[0].rpartition(b":")[0] + b":%d" % slot, b"rubbish" * 20)
    hosts.rounds(2)
    assert hosts.heard(lambda: left(hosts.one, t), hosts.two) == 13
    cachemodes.ask(hosts.path, b"flush_all")
    hosts.rounds(1)
    assert left(hosts.two, t) == 12


def test_inv8_each_counts_for_itself_while_memcached_hangs_and_nobody_waits(hosts, make_tenant):
    """One call in a while waits for its 50 ms: each of three workers tries at once, after 1 s more, 2, 4 and so on."""
    t = make_tenant(limited(20, "day"))
    before = {host: hosts.faults(host) for host in (hosts.one, hosts.two)}
    hosts.process.send_signal(signal.SIGSTOP)
    times, got = [], Counter()
    for i in range(48):
        began = time.monotonic()
        got[hosts.one if i % 2 else hosts.two, send(hosts.one if i % 2 else hosts.two, t).status] += 1
        times.append(time.monotonic() - began)
        time.sleep(0.04)
    hosts.process.send_signal(signal.SIGCONT)
    assert got == {(h, s): n for h in (hosts.one, hosts.two) for s, n in ((200, 20), (429, 4))}
    assert max(times) < 2.5 + SLOW, sorted(times)[-8:]  # 50 ms on an idle machine
    hosts.wait(lambda: send(hosts.two, t).status == 429 and hosts.metric(hosts.two, "hosts") == 1)
    fresh = make_tenant(limited(3, "day"))
    assert hosts.heard(lambda: statuses(hosts.one, fresh, 3), hosts.two) == {200: 3}
    time.sleep(2)  # what did not come into the tale that was heard is in the next
    assert statuses(hosts.two, fresh, 1) == {429: 1}
    hosts.wait(lambda: all(hosts.faults(host) > n for host, n in before.items()))  # workers tell when they have nothing else to do
    tried = [hosts.faults(host) - n for host, n in before.items()]
    assert max(tried) <= 15, tried  # for 24 requests of each: five of a worker take 15 s


def test_inv8_what_was_recorded_charges_nobody_on_a_host_that_started_since(hosts, stack, make_tenant, tmp_path):
    """A pool with a new page has heard no tale yet: it takes none that is older than a host's 10 s and the 5 s that clocks may be apart, though
    slots and tales are put there again as they were. With a clock that is 3 s off it hears what is told from then on."""
    t = make_tenant(limited(20, "day"))
    assert hosts.heard(lambda: statuses(hosts.one, t, 5), hosts.two) == {200: 5}
    kept = {name: cachemodes.value(hosts.path, name) for name in hosts.names(b"tale") + hosts.slots}
    kept = {name: value for name, value in kept.items() if value}
    assert len(kept) >= 3
    clock = Clock(tmp_path / "clock")
    clock.write(stack.clock.offset + 16_000)
    with Master(stack, tmp_path / "later", memcached=hosts.path, rates_shared=1, clock_file=clock.path) as later:
        def sealed():
            return {cachemodes.value(hosts.path, name) for name in hosts.names(b"slot") if name not in hosts.slots} - {None}
        hosts.wait(sealed)
        for _ in range(3):  # rounds of its own
            before = sealed()
            for name, value in kept.items():
                cachemodes.put(hosts.path, name, value)
            hosts.wait(lambda: sealed() - before)
        assert left(later, t) == 19
        assert (hosts.shares(later, "heard"), hosts.metric(later, "hosts")) == (0, 0)
        cachemodes.ask(hosts.path, b"flush_all")
        clock.write(stack.clock.offset + 3_000)
        hosts.wait(lambda: hosts.metric(later, "hosts") == 2)
        told = hosts.shares(hosts.one, "told")
        assert statuses(hosts.one, t, 5) == {200: 5}
        hosts.rounds(1)
        hosts.wait(lambda: hosts.shares(later, "heard") == hosts.shares(hosts.one, "told") - told > 0)
        assert left(later, t) == 13
