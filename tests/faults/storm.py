"""A storm: services are killed, stopped and lied to at random moments under a mixed load; afterwards everything has to be true."""
import random
import signal
import time
from collections import Counter

from accolade import SLOW
from keeper import Keeper, send
from load import CONFIG, Load
from wire import DatabaseProxy

KILLS = ("worker", "master", "mariadbd", "memcached", "nginx")
STOPS = {"worker": (0.2, 2), "master": (0.2, 2), "mariadbd": (0.2, 3), "memcached": (0.2, 2), "nginx": (0.2, 1.5)}
POINTS = ("before-identity", "after-identity", "before-commit", "in-commit", "after-commit", "before-answer")
SETTINGS = {"set_requests_max": 16, "drain_ms": 1500}


class Storm:
    """kills: of each kind of process; None: as many as fit into `minutes`. Everything that is random comes from the seed, only the moments
    at which it meets the load do not."""
    def __init__(self, stack, seed, say=lambda text: None):
        self.stack, self.seed, self.say = stack, seed, say
        self.r = random.Random(seed)
        self.done, self.violations, self.again, self.refused, self.verified = Counter(), [], 0, 0, None
        self.t = stack.tenant(CONFIG)

    # -- what a storm does --

    def kill_worker(self):
        workers = sorted(self.keeper.under("pool"))
        return bool(workers) and send(self.r.choice(workers), signal.SIGKILL)

    def kill_master(self):
        self.keeper.kill_pool(self.r.choice(["ends", "killed", "removed"]))
        return True

    def kill_mariadbd(self):
        self.keeper.kill("database")
        return True

    def kill_memcached(self):
        self.keeper.kill("memcached")
        return True

    def kill_nginx(self):
        """The master, or the worker, which the master replaces."""
        workers = sorted(self.keeper.under("nginx"))
        if self.r.random() < 0.5 and workers:
            return send(self.r.choice(workers), signal.SIGKILL)
        self.keeper.kill("nginx")
        return True

    def stop(self, kind):
        """SIGSTOP for a while."""
        k = self.keeper
        service = {"worker": "pool", "master": "pool", "mariadbd": "database"}.get(kind, kind)
        pids = sorted(k.under(service)) if kind in ("worker", "nginx") else [k.pids[service]]
        if not pids:
            return False
        pid = self.r.choice(pids)
        if not send(pid, signal.SIGSTOP):
            return False
        time.sleep(self.r.uniform(*STOPS[kind]))
        return send(pid, signal.SIGCONT)

    def commit(self, what):
        """All connections go through a proxy that loses some COMMITs, or their answers, or holds them up."""
        wanted = self.r.randrange(1, 6)
        with DatabaseProxy(self.stack.env["ACCOLADE_DB_SOCKET"]) as proxy:
            proxy.arm(what, times=wanted)
            self.hang_up()
            deadline = time.monotonic() + 3 * SLOW
            while proxy.lost < wanted and time.monotonic() < deadline:
                time.sleep(0.02)
        return proxy.lost > 0

    def hang_up(self):
        for (connection,) in self.stack.sql("SELECT id FROM information_schema.processlist WHERE user = 'accolade'"):
            try:
                self.stack.sql(f"KILL {connection}")
            except Exception:  # gone by itself
                pass

    def trap(self, point):
        """A worker falls at a named point of its work."""
        planted = self.stack.plant(point)
        deadline = time.monotonic() + 5 * SLOW
        while planted.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        fell = not planted.exists()
        planted.unlink(missing_ok=True)
        return fell

    def step_clock(self):
        """Back and forth, beyond the 30 s of a lane's lease."""
        offset = self.r.choice([-40, -5, -1, 1, 5, 40])
        if abs(self.stack.clock.offset + offset * 1000) > 3600_000:
            return False
        self.stack.clock.advance(seconds=offset)
        return True

    def do(self, what):
        kind, _, of = what.partition(" ")
        calls = {"kill": lambda: getattr(self, "kill_" + of)(), "stop": lambda: self.stop(of), "trap": lambda: self.trap(of),
                 "COMMIT": lambda: self.commit(of), "clock": self.step_clock}
        if calls[kind]():
            self.done[what] += 1

    # -- its course --

    def everything(self):
        return [*(f"kill {k}" for k in KILLS), *(f"stop {k}" for k in STOPS), *(f"trap {p}" for p in POINTS),
                "COMMIT lose_answer", "COMMIT lose_commit", "COMMIT late_commit", "clock step"]

    def weights(self, kills):
        """Kinds that have all their kills are left out; what is no kill comes now and then."""
        return [(1.0 if self.done[w] < kills else 0.0) if w.startswith("kill ") else 0.12 for w in self.everything()]

    def rage(self, kills, until, gap=(0.0, 1.0)):
        k, answers = self.keeper, ("database", "pool", "nginx")
        while time.monotonic() < until and any(self.done["kill " + kind] < kills for kind in KILLS):
            what = self.r.choices(self.everything(), self.weights(kills))[0]
            if what.startswith("COMMIT"):
                k.wait_for(*answers)
            try:
                self.do(what)
            except Exception as error:
                self.violations.append(f"{what}: {error!r}")
            if self.r.random() < 0.25:  # into what the former one has left
                time.sleep(self.r.uniform(0.0, 0.3))
                continue
            k.wait_for(*answers)
            time.sleep(self.r.uniform(*gap))
            self.say(self.progress())

    def progress(self):
        kills = ", ".join(f"{kind} {self.done['kill ' + kind]}" for kind in KILLS)
        return f"{kills}; {len(self.load.book.answers)} answers kept" + (f"; {self.found()} VIOLATIONS" if self.found() else "")

    def found(self):
        return len(self.violations) + len(self.load.violations) + len(self.keeper.deaths)

    def run(self, kills=10**9, seconds=10**9, threads=8, rate=15, gap=(0.0, 1.0)):
        """The storm, the calm after it, and all that has to be true then."""
        self.load = Load(self.t, self.seed, threads, rate)
        with Keeper(self.stack) as self.keeper:
            with self.load:
                self.rage(kills, time.monotonic() + seconds, gap)
                self.healthy()
                time.sleep(0.5)
            self.answer_quarantined()
            self.check()
            self.violations += self.load.violations + self.keeper.deaths
        return self.violations

    # -- afterwards --

    def healthy(self):
        """Nothing is restarted now, and the pool becomes whole by itself."""
        self.say("the storm is over")
        self.keeper.wait_for("database", "memcached", "pool", "nginx", seconds=20)
        deadline = time.monotonic() + 20 * SLOW
        while not self.stack.renewed(set()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not self.stack.renewed(set()):
            self.violations.append(f"the pool has not all its workers: {self.stack.pool_workers()}")
        ready = self.stack.admin.send("GET", "/readyz")
        if ready.status != 200 or ready.json["checks"]["memcached"] != "ok":
            self.violations.append(f"not ready: {ready}")

    def answer_quarantined(self):
        """Two kills by chance look like an event that fells workers. The ten minutes are over when there is another master."""
        if not self.load.quarantined:
            return
        self.keeper.kill_pool("killed")
        self.keeper.wait_for("pool", "nginx")
        waiting, self.load.quarantined = {op.number: op for op in self.load.quarantined}, []
        self.refused = len(waiting)
        for op in waiting.values():
            self.load.until_answered(op, self.stack.http)

    def check(self):
        for _ in range(30):
            self.load.first_try()
        self.say("every acknowledged answer again")
        self.again = self.load.check_every_answer(
            progress=lambda n, of: self.say(f"every acknowledged answer again: {n} of {of}") if n % 500 == 0 else None)
        self.load.check_sums()
        self.say("accolade verify")
        try:
            self.verified = self.stack.verify()
        except AssertionError as error:
            self.violations.append(str(error))
        for line in self.stack.pool_log().splitlines():
            if "what=died" in line and "signal_name=KILL" not in line or "assertion failed" in line:
                self.violations.append(f"a worker died by itself: {line}")
        self.violations += self.stack.sanitizer_reports()

    def table(self):
        rows = [(what, self.done[what]) for what in self.everything() if self.done[what]]
        width = max(len(what) for what, _ in rows)
        return "\n".join(f"  {what:<{width}}  {n:>6}" for what, n in rows)
