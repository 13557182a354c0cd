"""The client library of the whole-system tests: a stack of its own, its clock, tenants, calls, the command, the database."""
import fcntl
import hashlib
import http.client
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pymysql

import cachemodes

ROOT = Path(__file__).resolve().parents[2]
BUILD = os.environ.get("BUILD", "dev")
WORK = ROOT / "build" / f"test-{BUILD}"
SERVER = Path(os.environ.get("ACCOLADE_TEST_SERVER") or "/")  # another root folder: its database server (docs/TESTING.md)
DATABASE = "mariadbd" if (SERVER / "usr/sbin/mariadbd").exists() else "mysqld"
SLOW = 4 if BUILD == "asan" else 1  # how much longer a limit in seconds may be

# The moment at which every test begins, by the test clock: a Wednesday ahead of us, far from any change of clocks in Europe or America.
NOON = datetime(2030, 2, 13, 12, tzinfo=timezone.utc)
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:")


def ms(when):
    return round(when.timestamp() * 1000)


def rfc3339(when):
    """A time as the API writes it: UTC, milliseconds."""
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def at(text):
    """'2026-02-11' or '2026-02-11T10:00' or with seconds, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def problems_of_the_house():
    """code → (status, title), from the one table of problems."""
    text = (ROOT / "base" / "problems.def").read_text()
    rows = re.findall(r'^PROBLEM\(\w+,\s*(\d+),\s*"([^"]+)",\s*"([^"]+)"\)', text, re.M)
    return {code: (int(status), title) for status, code, title in rows}


PROBLEMS = problems_of_the_house()


# ---- configurations ----

def config(*definitions, **settings):
    """A configuration document; keyword arguments are those of the kind settings."""
    return {"definitions": ([{"kind": "settings", **settings}] if settings else []) + list(definitions)}


def currency(code="points", **more):
    return {"kind": "currency", "code": code, **more}


def grant(amount, currency="points", **more):
    return {"currency": currency, "amount": amount, **more}


def rule(code, on="act", **more):
    """`pays` is short for a grant of points."""
    pays = more.pop("pays", None)
    if pays is not None:
        more["grant"] = [grant(pays)]
    return {"kind": "rule", "code": code, "on": [on] if isinstance(on, str) else on, **more}


def var(name):
    return {"var": name}


# ---- HTTP ----

class Response:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def replayed(self):
        return self.headers.get("idempotency-replayed") == "true"

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"

    def ok(self, status=200):
        assert self.status == status, self
        assert self.headers["content-type"] == "application/json", self.headers
        return self.json

    def problem(self, code, *pointers):
        """Asserts that this is the problem of that code, whole, with exactly these pointers (none given: any)."""
        expected, title = PROBLEMS[code]
        assert self.status == expected, self
        assert self.headers["content-type"] == "application/problem+json", self.headers
        got = self.json
        assert got["code"] == code, got
        assert (got["status"], got["title"]) == (expected, title)
        assert got["type"] == "/problems/" + code
        assert got["request_id"] and isinstance(got["request_id"], str)
        assert got["request_id"] == self.headers["x-request-id"]
        assert got["detail"] and isinstance(got["detail"], str)
        for error in got["errors"]:
            assert set(error) == {"pointer", "detail", "code"} and error["detail"] and error["code"] in PROBLEMS, got
        if pointers:
            assert sorted(e["pointer"] for e in got["errors"]) == sorted(pointers), got
        return got


class Recorder:
    """Every request and its answer as JSON lines: what a later check holds against the OpenAPI description."""
    current = None  # the session's, for those who send bytes without a client

    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")
        self.lock = threading.Lock()
        self.test = ""
        Recorder.current = self

    @staticmethod
    def text(body):
        if body is None:
            return None
        return (body if isinstance(body, bytes) else body.encode()).decode("utf-8", "backslashreplace")[:200_000]

    def note(self, method, target, headers, body, response):
        shown = {k.lower(): ("Bearer …" if k.lower() == "authorization" and v.startswith("Bearer ") else v) for k, v in headers.items()}
        line = json.dumps({"test": self.test, "method": method, "target": target, "headers": shown, "body": self.text(body),
                           "status": response.status, "answer_headers": response.headers, "answer": self.text(response.body)})
        with self.lock:
            self.file.write(line + "\n")

    @classmethod
    def note_bytes(cls, data, response):
        """A request as it was sent over a socket, where it is one; a body in chunks is not put together."""
        head, _, body = data.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if cls.current and response and response.status and len(words) == 3 and words[1].startswith("/") and words[0] != "HEAD":
            headers = dict(field.partition(": ")[::2] for field in fields)
            chunked = "transfer-encoding" in [name.lower() for name in headers]
            cls.current.note(words[0], words[1], headers, None if chunked else body, response)

    def close(self):
        self.file.close()


class Http:
    """Requests over kept connections, one per thread; the target is sent as it stands. unix: the path of a socket instead of a port."""
    def __init__(self, url=None, unix=None, recorder=None, timeout=15):
        self.host, self.unix, self.recorder, self.timeout = url and urlsplit(url), unix, recorder, timeout
        self.threads = threading.local()

    def connect(self):
        if not self.unix:
            return http.client.HTTPConnection(self.host.hostname, self.host.port, timeout=self.timeout)
        connection = http.client.HTTPConnection("localhost", timeout=self.timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(self.timeout)
        connection.sock.connect(str(self.unix))
        return connection

    def send(self, method, target, body=None, headers=None):
        headers = dict(headers or {})
        connection, used = getattr(self.threads, "kept", (None, 0))
        if connection is None or self.unix or time.monotonic() - used > 20:
            connection = self.connect()
        self.threads.kept = (None, 0)
        connection.request(method, target, body=body, headers=headers)
        got = connection.getresponse()
        response = Response(got.status, got.getheaders(), got.read())
        if not got.will_close:
            self.threads.kept = (connection, time.monotonic())
        if self.recorder:
            self.recorder.note(method, target, headers, body, response)
        return response


def parallel(n, work):
    """Calls work(0) … work(n − 1), all begun at the same moment; gives their results in order."""
    barrier = threading.Barrier(n)

    def one(i):
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


# ---- a stack ----

class Clock:
    """The offset that dev and asan builds read before each use of the clock."""
    def __init__(self, path):
        self.path = path
        self.offset = 0

    def write(self, offset_ms):
        self.offset = offset_ms
        new = self.path.with_name("clock.new")
        new.write_text(f"{offset_ms}\n")
        new.rename(self.path)

    def set(self, when):
        self.write(ms(when) - round(time.time() * 1000))

    def advance(self, **delta):
        self.write(self.offset + round(timedelta(**delta).total_seconds() * 1000))

    def now(self):
        return datetime.fromtimestamp(time.time() + self.offset / 1000, timezone.utc)


class Port:
    """A free port of loopback, this run's while the object lives: nothing listens there before nginx starts, so that other runs know it by
    a locked file. Below those that the system gives to whoever connects."""
    NUMBERS = range(20000, 32000)

    def __init__(self):
        folder = Path(tempfile.gettempdir()) / f"accolade-ports-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        at = os.getpid() * 97 % len(self.NUMBERS)
        self.number = next(number for number in (*self.NUMBERS[at:], *self.NUMBERS[:at]) if self.take(folder, number))

    def take(self, folder, number):
        self.lock = open(folder / str(number), "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as s:
                s.bind(("127.0.0.1", number))
        except OSError:
            self.lock.close()
            return False
        return True


class Failed(Exception):
    """A command that exits with something else than 0."""
    def __init__(self, code, out, err):
        super().__init__(f"exit {code}: {err or out}")
        self.code, self.out, self.err = code, out, err


class Stack:
    """scripts/run in a folder under build/, stopped by scripts/run --stop. Its memcached is spoiled as ACCOLADE_TEST_MEMCACHED says."""
    cachemode, spoiled = cachemodes.MODE, None

    def __init__(self, name, workers=2, preset="call-center", recorder=None, **settings):
        self.dir, self.held = WORK / name, Port()
        self.port = self.held.number
        self.workers, self.preset, self.settings, self.recorder = workers, preset, settings, recorder
        self.names = itertools.count(1)
        self.sanitizer = []

    def script(self, *args, check=True):
        done = subprocess.run([ROOT / "scripts" / "run", "--dir", self.dir, *map(str, args)], capture_output=True, text=True,
                              env={**os.environ, "BUILD": BUILD}, timeout=600)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    def start(self, fresh=True):
        if fresh:
            self.stop()
            shutil.rmtree(self.dir, ignore_errors=True)
        options = [x for name, value in self.settings.items() for x in ("--set", f"{name}={value}")]
        self.script("--preset", self.preset, "--workers", self.workers, "--port", self.port, *options)
        self.read_env()
        return self

    def read_env(self):
        lines = (self.dir / "demo.env").read_text().splitlines()
        self.env = {name: value.strip("'") for name, value in (line.split("=", 1) for line in lines)}
        self.url = self.env["ACCOLADE_URL"]
        self.clock = Clock(self.dir / "clock")
        self.http = Http(self.url, recorder=self.recorder)
        self.admin = Http(unix=self.env["ACCOLADE_ADMIN_SOCKET"], recorder=self.recorder)
        self.unspoil()
        if self.cachemode:
            self.spoil(self.cachemode)

    def spoil(self, mode):
        """Lets memcached be as cachemodes says, until unspoil or the next start."""
        self.spoiled = cachemodes.Spoiled(mode, int(self.env["ACCOLADE_MEMCACHED_PID"]), self.env["ACCOLADE_MEMCACHED"])
        return self.spoiled

    def unspoil(self):
        if self.spoiled:
            self.spoiled.close()
        self.spoiled = None

    def stop(self):
        self.unspoil()
        if self.dir.exists():
            self.script("--stop")

    def mend(self):
        """scripts/run again, where something is not as it was started."""
        gone = ("ACCOLADE_MEMCACHED_PID",) if self.cachemode in ("absent", "wrong") else ()
        alive = all(Path(f"/proc/{pid}").exists() for name, pid in self.env.items() if name.endswith("_PID") and name not in gone)
        if not alive or json.loads(self.admin.send("GET", "/readyz").body).get("checks", {}).get("memcached") != cachemodes.STATE:
            self.script()
            self.read_env()

    # -- the command --

    def cli(self, *args, stdin=None):
        """Runs the command; gives what it prints. Failed where it exits with anything but 0."""
        done = subprocess.run([self.env["ACCOLADE_BIN"], *map(str, args)], input=stdin or "", capture_output=True, text=True, timeout=120)
        if SANITIZER.search(done.stderr):
            self.sanitizer.append(f"accolade {' '.join(map(str, args))}:\n{done.stderr}")
        if done.returncode != 0:
            raise Failed(done.returncode, done.stdout, done.stderr)
        return done.stdout

    def cli_json(self, *args, stdin=None):
        """What it prints for programs. A refusal is raised in the words that people read."""
        try:
            return json.loads(self.cli(*args, "--json", stdin=stdin))
        except Failed as failed:
            if not failed.err.startswith("{"):
                raise
            said = json.loads(failed.err)
            lines = [f"accolade: {said['code']}: {said['detail']}", *(f"  {e['pointer'] or '(document)'}: {e['detail']}" for e in said["errors"])]
            raise Failed(failed.code, failed.out, "\n".join(lines) + "\n") from None

    def tenant(self, document=None, code=None):
        return Tenant(self, code or f"t{next(self.names)}", document)

    def verify(self, tenant=None, own=True):
        """Proves the ledger, of all, or of one tenant. own: without the lanes, which all tenants share and which take longer the more tests
        there were; they are proved at the end of each module, and everything at the end of each stack."""
        command = ["verify", "--json", *(["--tenant", tenant, *(["--own"] if own else [])] if tenant else [])]
        try:
            report = json.loads(self.cli(*command))
        except Failed as failed:
            raise AssertionError(self.not_clean(command, failed)) from None
        assert report["violations"] == [], report
        return report

    def not_clean(self, command, first):
        """What is to be told of a verify that did not end well: each violation in a line, the answer whole, whether it says so again (what was
        wrong only while it read is gone then), and which lanes stand where. In a file as well, which no other run writes over."""
        try:
            again = "the second time all is well: " + self.cli(*command)
        except Failed as second:
            again = "the second time as well" if second.out == first.out else f"the second time: {second}"
        said = json.loads(first.out)["violations"] if first.out.startswith("{") else []
        lines = [f"invariant {x['invariant']}: {x['tenant']} {x['where']}: {x['what']}" for x in said]
        try:
            lanes = self.sql("SELECT lane, HEX(owner), lease_until, day, n FROM lane ORDER BY lane")
        except pymysql.Error as error:
            lanes = error
        text = "\n".join([f"accolade {' '.join(command)}, exit {first.code}: " + (lines[0] if lines else first.err.strip()), *lines[1:],
                          f"answer: {first.out}{first.err}", again, f"clock: {self.clock.now()}", f"lanes: {lanes}"])
        kept = WORK / "violations"
        kept.mkdir(exist_ok=True)
        path = kept / f"{time.time_ns()}.txt"
        path.write_text(f"{text}\npool's log:\n{self.pool_log()}")
        return f"{text}\n(and the pool's log: {path})"

    # -- the database --

    def db(self):
        return pymysql.connect(unix_socket=self.env["ACCOLADE_DB_SOCKET"], user="root", database=self.env["ACCOLADE_DB_NAME"],
                               autocommit=True, charset="utf8mb4", use_unicode=True)

    def sql(self, text, *args):
        """All rows. A connection of its own: nothing is kept open over a test."""
        connection = self.db()
        try:
            with connection.cursor() as cursor:
                cursor.execute(text, args)
                return cursor.fetchall()
        finally:
            connection.close()

    def stored(self):
        """What a refused request must leave as it was: how many rows each table has, the members' versions, the lanes' counts."""
        tables = [name for (name,) in self.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")]
        counts = ", ".join(f"(SELECT COUNT(*) FROM {name})" for name in tables)
        (row,) = self.sql(f"SELECT {counts}, (SELECT COALESCE(SUM(version), 0) FROM member_state), (SELECT COALESCE(SUM(n), 0) FROM lane)")
        return dict(zip((*tables, "versions", "transactions"), row))

    # -- processes --

    def pool_pid(self):
        return int((self.dir / "run" / "pool.pid").read_text().split()[0])

    def pool_workers(self):
        """Process ids of the pool's workers."""
        master, found = self.pool_pid(), set()
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == master and fields[0] != "Z":
                found.add(int(stat.parent.name))
        return found

    def renewed(self, former):
        """Whether the pool has all its workers, and none of the former ones."""
        now = self.pool_workers()
        return not now & former and len(now) == self.workers + 1 + (self.workers + 1) // 2

    def plant(self, point, how="kill"):
        """A trap (base/trap.h): the next worker that comes to the point falls; "stop": is stopped. Gives the file, gone once taken."""
        trap = self.dir / "traps" / point
        trap.parent.mkdir(exist_ok=True)
        new = trap.parent.with_name("trap.new")
        new.write_text(how)
        new.rename(trap)
        return trap

    def pool_log(self):
        return (self.dir / "log" / "pool.log").read_text(errors="backslashreplace")

    def sanitizer_reports(self):
        """What ASan and UBSan said, of workers and commands."""
        found = list(self.sanitizer)
        for log in (self.dir / "log").glob("*"):
            text = log.read_text(errors="backslashreplace")
            hit = SANITIZER.search(text)
            if hit:
                found.append(f"{log}:\n{text[max(0, hit.start() - 500):hit.start() + 5000]}")
        return found


def path_id(text):
    """An id as it stands in a path."""
    return quote(text, safe="")


class Tenant:
    """A tenant of a stack, with a key of all scopes; what it does over HTTP and by the command."""
    ids = itertools.count(1)

    def __init__(self, stack, code, document=None):
        self.stack, self.code = stack, code
        options = ["--preset", self.document_file(document)] if document is not None else []
        self.made = stack.cli_json("tenant", "create", code, *options)
        self.key = self.new_key()

    def document_file(self, document):
        text = document if isinstance(document, str) else json.dumps(document)
        path = self.stack.dir / "documents" / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def new_key(self, scopes="all", **options):
        return self.make_key(scopes, **options)["key"]

    def make_key(self, scopes="all", **options):
        more = [x for name, value in options.items() for x in (f"--{name}", value)]
        return self.stack.cli_json("key", "create", self.code, "--name", "test", "--scopes", scopes, *more)

    @property
    def id(self):
        return self.stack.sql("SELECT tenant_id FROM tenant WHERE code = %s", self.code)[0][0]

    # -- HTTP --

    def call(self, method, path, body=None, key=None, headers=None, raw=None, http=None):
        """raw: the body's bytes as they are; else body as JSON."""
        sent = {"Authorization": f"Bearer {key or self.key}"}
        if raw is None and body is not None:
            raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        if raw is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        return (http or self.stack.http).send(method, "/v1" + path, raw, {k: v for k, v in sent.items() if v is not None})

    def get(self, path, **query):
        query = {k.rstrip("_"): v for k, v in query.items()}
        return self.call("GET", path + ("?" + urlencode(query) if query else ""))

    def event_body(self, member="m", type="act", data=None, time=None, id=None, source="test", **more):
        body = {"source": source, "id": id or f"e{next(Tenant.ids)}", "type": type, "member": member}
        if time is not None:
            body["time"] = rfc3339(time) if isinstance(time, datetime) else time
        if data is not None:
            body["data"] = data
        return {**body, **more}

    def post(self, body, **more):
        return self.call("POST", "/events", body, **more)

    def send(self, member="m", type="act", **more):
        """One event; the answer, whatever it is."""
        return self.post(self.event_body(member, type, **more))

    def event(self, member="m", type="act", **more):
        """One event that must be processed; its outcome."""
        outcome = self.send(member, type, **more).ok()
        assert outcome["status"] == "processed", outcome
        return outcome

    def events(self, bodies):
        """An array of events; the list of results."""
        return self.post(bodies).ok()["data"]

    def join(self, member="m"):
        """Makes a member by an event that no rule names."""
        self.event(member, "never.named")

    def points(self, member="m", currency="points"):
        answer = self.get(f"/members/{path_id(member)}/points").ok()
        assert answer["member"] == member
        (row,) = [c for c in answer["currencies"] if c["currency"] == currency]
        return row

    def balance(self, member="m", currency="points"):
        return self.points(member, currency)["balance"]

    def levels(self, member="m", ladder=None):
        answer = self.get(f"/members/{path_id(member)}/levels").ok()
        assert answer["member"] == member
        return answer["levels"] if ladder is None else [x for x in answer["levels"] if x["ladder"] == ladder][0]

    def transactions(self, member="m", **query):
        return self.get(f"/members/{path_id(member)}/transactions", **query).ok()

    def all_transactions(self, member="m", **query):
        """Every line, page by page."""
        lines, cursor = [], None
        while True:
            page = self.transactions(member, **query, **({"cursor": cursor} if cursor else {}))
            lines += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return lines

    def adjust(self, member="m", amount=0, currency="points", reason="a test", idempotency_key=None, body=None, **more):
        key = idempotency_key or f"k{next(Tenant.ids)}"
        return self.call("POST", f"/members/{path_id(member)}/adjustments",
                         body or {"currency": currency, "amount": amount, "reason": reason}, headers={"Idempotency-Key": key}, **more)

    def stored_event(self, source, id):
        return self.call("GET", f"/events/{path_id(source)}/{path_id(id)}")

    # -- the command --

    def apply(self, document):
        return self.stack.cli_json("config", "apply", self.code, "-", stdin=json.dumps(document))

    def validate(self, document):
        return self.stack.cli_json("config", "validate", self.code, "-", stdin=json.dumps(document))

    def export(self):
        return json.loads(self.stack.cli("config", "export", self.code))

    def member(self, verb, member="m", *options):
        return self.stack.cli_json("member", verb, self.code, member, *options)

    def show(self, member="m"):
        return self.member("show", member)

    def counter(self, member, metric, period="ever"):
        """The present value of a metric in the state row; None: it is not there."""
        found = [c["value"] for c in self.show(member)["counters"] if (c["what"], c["of"], c["period"]) == ("metric", metric, period)]
        return found[0] if found else None

    def verify(self):
        return self.stack.verify(self.code)


# ---- reading outcomes ----

def amounts(outcome):
    """[(rule or ladder, currency, amount)] in the order of the grants."""
    return [(g.get("rule") or g["ladder"], g["currency"], g["amount"]) for g in outcome["grants"]]


def reasons(outcome):
    """{rule: reason}."""
    return {d.get("rule"): d["reason"] for d in outcome["denied"]}
