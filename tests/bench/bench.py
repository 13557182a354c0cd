#!/usr/bin/python3
"""tests/bench/bench.py: what scripts/bench runs (its --help says how): the rounds, their floors, medians and ratios."""
import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from stand import Stand, note  # noqa: E402

CONNECTIONS, ARRAY, SEED = 64, 1000, 20000
SMALL = 1_000
MEMORY_MIB, MEMORY_REQUESTS = 24, 1_000_000

# row: what, how it is judged: (its measure, the one it is held against, the figure, at least or at most, the bound)
ROWS = {
    "award": ("one event per request, 64 connections", ("award", "sql", "rate", "≥", 0.7)),
    "lone": ("the same, 1 connection: p50 against one transaction", ("lone", "sql-lone", "p50_us", "≤", 2.5)),
    "arrays": ("arrays of 1,000 events, 4 connections", ("arrays", "sql-100", "rate", "≥", 0.5)),
    "repeat": ("repeat of an answered event", ("repeat", "fcgi", "rate", "≥", 0.35)),
    "nothing": ("an event that earns nothing", ("nothing", "award", "rate", "≥", 1.0)),
    "points": ("GET /members/{m}/points", ("points", "fcgi", "rate", "≥", 0.4)),
    "growth": ("an award at 1,000 and at 5,000,000 entries: time", None),
    "hot": ("one hot member, 64 connections", ("hot", "award", "rate", "≥", 1.0)),
    "mixed": ("64 connections beside arrays without pause: p99", ("mixed", "award", "p99_us", "≤", 3.0)),
    "memory": ("a worker after 1,000,000 requests", None),
}
FLOORS = {"http": "nginx `return 200`", "fcgi": "a libfcgi worker, 300 bytes", "sql": "the award's SQL, best number of connections",
          "sql-lone": "the award's SQL, 1 connection", "sql-100": "the award's SQL, 100 awards per transaction, 4 connections"}
ORDER = ["http", "sql", "award", "hot", "nothing", "mixed", "sql-lone", "lone", "sql-100", "arrays", "fcgi", "repeat", "points"]
EARNS, NOTHING, REPLAYED, WALLETS = '"grants":[{', '"grants":[],"denied":[{', "Idempotency-Replayed: true", '"currencies":[{'


def options():
    p = argparse.ArgumentParser(prog="scripts/bench", add_help=False)
    for name in ("quick", "large", "json", "check"):
        p.add_argument(f"--{name}", action="store_true")
    p.add_argument("--only", action="append", choices=ROWS, default=[])
    p.add_argument("--seconds", type=int, default=5, choices=range(1, 601), metavar="N")
    p.add_argument("--rounds", type=int, default=3, choices=range(1, 100), metavar="N")
    p.add_argument("--members", type=int, default=10000, choices=range(1000, 10_000_001), metavar="N")
    p.add_argument("--entries", type=int, default=5_000_000, metavar="N")
    p.add_argument("--workers", type=int, default=4, choices=range(1, 65), metavar="N")
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    o = p.parse_args()
    if o.quick:
        o.seconds, o.rounds = 1, 1
    if o.only == ["growth"]:
        o.large = True
    o.rows = [r for r in ROWS if (not o.only or r in o.only) and (r != "growth" or o.large)]
    return o


class Bench:
    def __init__(self, o, stand):
        self.o, self.stand, self.samples, self.runs = o, stand, {}, 0
        self.connections = 8  # of the floor `sql`, until the best number is known

    def needed(self):
        judged = [ROWS[r][1] for r in self.o.rows if ROWS[r][1]]
        return [m for m in ORDER if m == "http" or any(m in j[:2] for j in judged)]

    def run_name(self, measure):
        self.runs += 1
        return f"{measure}-{self.runs}"

    def events(self, connections, seconds, name, work="award", expect=EARNS, **more):
        return self.stand.load(connections=connections, seconds=seconds, run=self.run_name(name), work=work, expect=expect,
                               members=more.pop("members", self.o.members), **more)

    def measure(self, name):
        s, stand = self.o.seconds, self.stand
        match name:
            case "http":
                return stand.load_floor("/return", CONNECTIONS, s)
            case "fcgi":
                return stand.load_floor("/fcgi", CONNECTIONS, s)
            case "sql":
                return stand.sql(self.connections, 1, s)
            case "sql-lone":
                return stand.sql(1, 1, s)
            case "sql-100":
                return stand.sql(4, 100, s)
            case "award":
                return self.events(CONNECTIONS, s, name)
            case "lone":
                return self.events(1, s, name)
            case "hot":
                return self.events(CONNECTIONS, s, name, members=1)
            case "nothing":
                return self.events(CONNECTIONS, s, name, work="none", expect=NOTHING)
            case "arrays":
                return self.events(4, s, name, array=ARRAY)
            case "repeat":
                return stand.load(connections=CONNECTIONS, seconds=s, run="seed", work="repeat", requests=SEED, members=self.o.members, expect=REPLAYED)
            case "points":
                return stand.load(connections=CONNECTIONS, seconds=s, work="points", members=self.o.members, expect=WALLETS)
            case "mixed":
                return self.mixed()

    def mixed(self):
        arrays = self.stand.start_load(connections=1, seconds=self.o.seconds + 1, run=self.run_name("mixed-arrays"), work="award", array=ARRAY,
                                       members=self.o.members, expect=EARNS)
        time.sleep(0.5)
        singles = self.events(CONNECTIONS, self.o.seconds, "mixed")
        beside = self.stand.end_load(arrays)
        singles["arrays_rate"] = beside["rate"]
        singles["faults"] += beside["faults"]
        return singles

    def take(self, name):
        sample = self.measure(name)
        self.samples.setdefault(name, []).append(sample)
        cost = " ".join(f"{k} {v:.0f}" for k, v in sample["cpu_us"].items())
        faults = f"  {sample['faults']} FAULTS" if sample["faults"] else ""
        note(f"  {name:9} {sample['rate']:10,.0f}/s  p50 {sample['p50_us']:7,} µs  p99 {sample['p99_us']:8,} µs  µs of CPU each: {cost}{faults}")

    # ---- what comes before and after the rounds ----

    def warm(self):
        """Every member is made, has had both visits, and some events are there to be repeated."""
        sweep = -(-self.o.members // ARRAY)
        for name, work, arrays in (("warm", "award", sweep), ("visits", "none", 2 * sweep), ("seed", "award", SEED // ARRAY)):
            taken = self.stand.load(connections=4, requests=arrays, array=ARRAY, run=name, work=work, members=self.o.members, sweep=name != "seed",
                                    expect=EARNS if work == "award" else '"grants":[')
            if taken["faults"]:
                sys.exit(f"the preparation {name} met {taken['faults']} faults")

    def find_connections(self):
        tried = {}
        for n in (8,) if self.o.quick else (2, 4, 8, 16, 32):
            tried[n] = self.stand.sql(n, 1, max(1, self.o.seconds // 2))["rate"]
            note(f"  sql with {n:2} connections: {tried[n]:,.0f}/s")
        self.connections = max(tried, key=tried.get)

    def rounds(self):
        for i in range(self.o.rounds):
            note(f"round {i + 1} of {self.o.rounds}")
            for name in self.needed():
                self.take(name)

    def small(self):
        """An award on a ledger of 1,000 entries, of a thousand members; the workers have seen an award by then."""
        self.stand.load(connections=CONNECTIONS, requests=SMALL, run="small", work="award", members=SMALL, sweep=True, expect=EARNS)
        self.samples["small"] = [self.grown()]

    def large(self):
        """The same after the ledger was filled. The first run after that is not counted: the server is still writing."""
        while (missing := self.o.entries - self.stand.entries()) > 0:
            note(f"the ledger has {self.o.entries - missing:,} entries")
            self.stand.load(connections=4, requests=min(-(-missing // ARRAY), 500), array=ARRAY, run=self.run_name("fill"), work="award",
                            members=self.o.members, expect=EARNS)
        self.grown()
        self.samples["large"] = [self.grown() for _ in range(self.o.rounds)]

    def grown(self):
        entries = self.stand.entries()
        sample = self.events(CONNECTIONS, self.o.seconds, "growth", members=SMALL)
        note(f"  from {entries:,} entries: {sample['rate']:,.0f}/s")
        return {**sample, "entries": entries}

    def memory(self):
        """One worker of events takes a million requests of all kinds, by turns of a second, so that a quarter has had them all; then all workers of the whole run are looked at."""
        served = self.stand.residents()
        self.stand.restart_with_one_worker()
        kinds = [dict(work="repeat", run="seed", requests=SEED, expect=REPLAYED)] * 6 + [dict(work="award", expect=EARNS)] * 2 + [
            dict(work="none", expect=NOTHING), dict(work="award", time="yesterday", status=4)]
        wanted, done, faults, course = 20_000 if self.o.quick else MEMORY_REQUESTS, 0, 0, []
        note(f"{wanted:,} requests to one worker")
        while done < wanted:
            kind = {"run": self.run_name("memory"), **kinds[len(course) % len(kinds)]}
            taken = self.stand.load(connections=CONNECTIONS, seconds=1, members=self.o.members, **kind)
            done, faults = done + taken["requests"], faults + taken["faults"]
            course.append((done, self.stand.residents()["events"]))
            note(f"  after {done:9,}: {course[-1][1] / 1024:.1f} MiB")
        early = next(kib for n, kib in course if n >= done / 4)
        return {"requests": done, "faults": faults, "resident_kib": course[-1][1], "after_a_quarter_kib": early, "others_kib": served,
                "course": course}

    # ---- the result ----

    def judge(self, row):
        what, judged = ROWS[row]
        if row == "memory":
            m = self.samples["memory"]
            most, grown = max(m["resident_kib"], *m["others_kib"].values()) / 1024, (m["resident_kib"] - m["after_a_quarter_kib"]) / 1024
            return {"row": row, "what": what, "value": f"{m['resident_kib'] / 1024:.1f} MiB", "against": f"{grown:+.1f} MiB since a quarter", "ratio": round(most, 1),
                    "bound": f"≤ {MEMORY_MIB} MiB", "faults": m["faults"], "ok": most <= MEMORY_MIB and grown < 0.5 and m["faults"] == 0}
        if row == "growth":
            judged = ("large", "small", "rate", "≤", 1.3)
        measure, against, figure, sense, bound = judged
        mine, floor = self.samples[measure], self.samples[against]
        pairs = zip(mine, floor * len(mine) if len(floor) == 1 else floor)
        ratios = [x[figure] / max(y[figure], 1) if row != "growth" else y[figure] / max(x[figure], 1) for x, y in pairs]
        ratio, faults = statistics.median(ratios), sum(x["faults"] for x in mine + floor)
        good = ratio >= bound if sense == "≥" else ratio <= bound
        show = (lambda v: f"{v:,.0f}/s") if figure == "rate" else (lambda v: f"{v / 1000:.2f} ms")
        return {"row": row, "what": what, "value": show(statistics.median(x[figure] for x in mine)),
                "against": f"{show(statistics.median(x[figure] for x in floor))} ({against})", "ratio": round(ratio, 2),
                "ratios": [round(x, 2) for x in ratios], "bound": f"{sense} {bound}", "faults": faults, "ok": good and faults == 0}

    def result(self, verified):
        rows = [self.judge(row) for row in self.o.rows]
        return {"machine": self.stand.machine(), "taken_at": self.stand.began, "seconds": self.o.seconds, "rounds": self.o.rounds,
                "members": self.o.members, "workers": self.o.workers, "sql_connections": self.connections, "rows": rows,
                "floors": {f: self.samples[f] for f in FLOORS if f in self.samples}, "verify": verified,
                "samples": {k: v for k, v in self.samples.items() if k not in FLOORS}}


def table(result):
    lines = ["", "| row | what | measured | against | ratio | bound | |", "|---|---|---|---|---|---|---|"]
    for r in result["rows"]:
        verdict = "no result: wrong answers" if r["faults"] else "reached" if r["ok"] else "missed"
        spread = f" ({min(r['ratios'])}–{max(r['ratios'])})" if len(r.get("ratios", [])) > 1 else ""
        lines.append(f"| {r['row']} | {r['what']} | {r['value']} | {r['against']} | {r['ratio']}{spread} | {r['bound']} | {verdict} |")
    lines += ["", "| floor | | median |", "|---|---|---|"]
    for name, samples in result["floors"].items():
        lines.append(f"| {name} | {FLOORS[name]} | {statistics.median(x['rate'] for x in samples):,.0f}/s, p50 "
                     f"{statistics.median(x['p50_us'] for x in samples):,.0f} µs |")
    cores = [x["core"] for k, v in result["samples"].items() if k != "memory" for x in v]
    lines += ["", f"{result['machine']}; {result['taken_at']}; verify: {result['verify']}",
              f"the load generator took {min(cores, default=0):.2f} to {max(cores, default=0):.2f} of a core"]
    return "\n".join(lines)


def main():
    o = options()
    with Stand(o) as stand:
        bench = Bench(o, stand)
        if "growth" in o.rows:
            bench.small()
        note("preparing")
        bench.warm()
        stand.make_floor()
        if "sql" in bench.needed():
            bench.find_connections()
        bench.rounds()
        if "memory" in o.rows:
            bench.samples["memory"] = bench.memory()
        if "growth" in o.rows:
            stand.restart(o.workers)
            bench.large()
        note("all is measured; the ledger is verified, during which the machine may be used again")
        verified = stand.verify()
        result = bench.result(verified)
    note(table(result))
    if o.json:
        print(json.dumps(result, indent=1, ensure_ascii=False))
    return o.check and (verified != "clean" or not all(r["ok"] for r in result["rows"]))


if __name__ == "__main__":
    sys.exit(main())
