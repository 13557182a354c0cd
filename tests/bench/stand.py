"""tests/bench/stand.py: where the bench stands: a stack of its own with a tenant, the floors' nginx, worker and tables, and the tools."""
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIR = ROOT / "build/bench"
TOOLS = ROOT / "build/release/tests/bench"
PORT = int(os.environ.get("PORT", "8098"))
# Room for five million entries in memory, and a log that is not full all the time: the same server for the service and for its floor.
DATABASE = "innodb_buffer_pool_size = 3G\ninnodb_log_file_size = 2G"
# The limits count as ever and are never reached.
SETTINGS = ["set_requests_max=16", "bulk_workers=4", "api_workers=4", "events_per_minute=3600000", "reads_per_minute=3600000"]
FLOOR_TABLES = ["api_key", "tenant", "member_key", "member_state", "entry", "event_identity", "outcome", "lane"]
NGINX = """daemon off; error_log "@DIR@/floor/error.log" emerg; pid "@DIR@/floor/nginx.pid"; worker_processes 1; @USER@
events { worker_connections 1024; }
http {
    access_log off; keepalive_requests 100000000;
    client_body_temp_path "@DIR@/floor/body"; fastcgi_temp_path "@DIR@/floor/fastcgi"; proxy_temp_path "@DIR@/floor/proxy";
    uwsgi_temp_path "@DIR@/floor/uwsgi"; scgi_temp_path "@DIR@/floor/scgi";
    server {
        listen 127.0.0.1:@PORT@ backlog=1024;
        location = /return { default_type application/json; return 200 "@BODY@"; }
        location = /fcgi { include "@ROOT@/nginx/accolade-worker.conf"; fastcgi_pass "unix:@DIR@/floor/fcgi.sock"; }
    }
}
"""


def note(line):
    print(line, file=sys.stderr, flush=True)


def run(*command, **more):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, **more).stdout


def with_children(pid):
    return [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def spent(pid):
    """Seconds of CPU."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Stand:
    def __init__(self, o):
        self.o, self.floor, self.env = o, [], {}
        self.began = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())

    def __enter__(self):
        subprocess.run(["rm", "-rf", DIR], check=True)
        DIR.mkdir(parents=True)
        try:
            self.restart(self.o.workers)
            self.make_tenant()
            self.start_floor()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.floor:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
        subprocess.run([ROOT / "scripts/run", "--dir", DIR, "--stop"], stdout=subprocess.DEVNULL)

    # ---- the stack ----

    def restart(self, workers, settings=()):
        command = [ROOT / "scripts/run", "--dir", DIR, "--port", str(PORT), "--workers", str(workers)]
        for setting in [*SETTINGS, *settings, *self.o.set]:
            command += ["--set", setting]
        note("starting the stack")
        with (DIR.parent / "bench.log").open("w") as log:
            if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "BUILD": "release", "DATABASE_OPTIONS": DATABASE}).returncode:
                sys.exit(f"the stack did not start: {DIR.parent}/bench.log")
        lines = (line.split("=", 1) for line in (DIR / "demo.env").read_text().splitlines())
        self.env = {name: value.strip("'") for name, value in lines}

    def restart_with_one_worker(self):
        self.restart(1, ["bulk_workers=1", "api_workers=1"])

    def accolade(self, *arguments):
        return run(self.env["ACCOLADE_BIN"], *arguments)

    def make_tenant(self):
        self.accolade("tenant", "create", "bench")
        self.accolade("config", "apply", "bench", ROOT / "tests/bench/program.json")
        self.key = json.loads(self.accolade("key", "create", "bench", "--name", "bench", "--scopes", "all", "--json"))["key"]

    def sql_rows(self, text):
        out = run("mariadb", "--no-defaults", f"--socket={self.env['ACCOLADE_DB_SOCKET']}", "--user=root", "--batch", "--skip-column-names", "-e", text)
        return [line.split("\t") for line in out.splitlines()]

    def entries(self):
        return int(self.sql_rows("SELECT COUNT(*) FROM accolade.entry")[0][0])

    def verify(self):
        done = subprocess.run([self.env["ACCOLADE_BIN"], "verify"], capture_output=True, text=True)
        note(done.stdout[-2000:].rstrip())
        return "clean" if done.returncode == 0 else f"failed: {(done.stdout + done.stderr)[-400:]}"

    def machine(self):
        model = next((x.split(":", 1)[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")), "")
        server = self.sql_rows("SELECT VERSION()")[0][0]
        commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
        return f"{os.cpu_count()} cores, {model}, Linux {platform.release()}, {server}, commit {commit or '?'}"

    # ---- the floors ----

    def start_floor(self):
        (DIR / "floor").mkdir()
        text, user = NGINX, "user root;" if os.getuid() == 0 else ""
        for name, value in (("DIR", DIR), ("PORT", PORT + 1), ("BODY", "x" * 300), ("USER", user), ("ROOT", ROOT)):
            text = text.replace(f"@{name}@", str(value))
        (DIR / "floor/nginx.conf").write_text(text)
        self.floor.append(subprocess.Popen([TOOLS / "floor_fcgi", DIR / "floor/fcgi.sock", "8"]))
        path = os.environ["PATH"] + ":/usr/sbin"
        self.floor.append(subprocess.Popen(["nginx", "-p", f"{DIR}/floor/", "-e", f"{DIR}/floor/error.log", "-c", f"{DIR}/floor/nginx.conf"],
                                           env={**os.environ, "PATH": path}))
        for _ in range(100):
            if not subprocess.run(["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{PORT + 1}/fcgi"]).returncode:
                return
            time.sleep(0.1)
        sys.exit("the floors' nginx did not start")

    def make_floor(self):
        """Tables like Accolade's on the same server, with the tenant's key, its members and their states; and how long rows really are."""
        tenant = f"(SELECT tenant_id FROM accolade.api_key WHERE key_id = '{self.key.split('_')[2]}')"
        self.sql_rows("CREATE DATABASE bench_floor; " + "".join(f"CREATE TABLE bench_floor.{t} LIKE accolade.{t}; " for t in FLOOR_TABLES))
        for table in ("api_key", "tenant", "member_key"):
            self.sql_rows(f"INSERT INTO bench_floor.{table} SELECT * FROM accolade.{table} WHERE tenant_id = {tenant}")
        self.sql_rows(f"INSERT INTO bench_floor.member_state SELECT tenant_id, member_no, version, CONCAT(REPEAT('\\0', 8), SUBSTRING(hot, 9)), cold "
                      f"FROM accolade.member_state WHERE tenant_id = {tenant}")
        lengths = self.sql_rows(f"SELECT ROUND(AVG(LENGTH(hot))) FROM accolade.member_state WHERE tenant_id = {tenant}; SELECT ROUND(AVG(LENGTH(clear))), "
                                f"ROUND(AVG(LENGTH(sealed))) FROM accolade.outcome WHERE tenant_id = {tenant} AND LENGTH(clear) > 100")
        self.lengths = [lengths[0][0], *lengths[1]]

    def sql(self, connections, awards, seconds):
        hot, clear, sealed = self.lengths
        before = self.cpu()
        taken = json.loads(run(TOOLS / "floor_sql", "--socket", self.env["ACCOLADE_DB_SOCKET"], "--database", "bench_floor", "--key", self.key.split("_")[2],
                               "--connections", connections, "--seconds", seconds, "--awards", awards, "--members", self.o.members, "--hot", hot,
                               "--clear", clear, "--sealed", sealed))
        taken["faults"] = taken["errors"]
        taken["cpu_us"] = {"database": (self.cpu()["database"] - before["database"]) * 1e6 / max(taken["awards"], 1),
                           "client": taken["core"] * seconds * 1e6 / max(taken["awards"], 1)}
        return taken

    # ---- load ----

    def start_load(self, port=PORT, **arguments):
        arguments = {"key": self.key, "time": self.began, **arguments} if port == PORT else arguments
        command = [str(TOOLS / "load"), "--port", str(port)]
        for name, value in arguments.items():
            if value is not False:
                command += [f"--{name}"] + ([] if value is True else [str(value)])
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True), self.cpu(), int(arguments.get("array", 1))

    def end_load(self, started):
        process, before, array = started
        out, _ = process.communicate()
        if process.returncode:
            sys.exit("the load generator failed")
        taken = json.loads(out)
        n = max(taken["requests"] * array, 1)
        taken["faults"] = taken["wrong"] + taken["broken"] + (taken["requests"] == 0)
        taken["cpu_us"] = {k: round((v - before[k]) * 1e6 / n, 1) for k, v in self.cpu().items()}
        taken["cpu_us"]["load"] = round(taken["core"] * taken["seconds"] * 1e6 / n, 1)
        return taken

    def load(self, **arguments):
        return self.end_load(self.start_load(**arguments))

    def load_floor(self, path, connections, seconds):
        before = self.floor_cpu()
        taken = self.load(port=PORT + 1, work="get", path=path, connections=connections, seconds=seconds)
        spent = {k: round((v - before[k]) * 1e6 / max(taken["requests"], 1), 1) for k, v in self.floor_cpu().items()}
        taken["cpu_us"] = {**spent, "load": taken["cpu_us"]["load"]}
        return taken

    # ---- processes ----

    def family(self, name):
        return with_children(self.env[f"ACCOLADE_{name}_PID"])

    def cpu(self):
        """Seconds of CPU so far, by service."""
        return {name.lower().replace("db", "database"): sum(spent(p) for p in self.family(name)) for name in ("NGINX", "POOL", "DB")}

    def floor_cpu(self):
        return {name: sum(spent(p) for p in with_children(process.pid)) for name, process in zip(("worker", "nginx"), self.floor)}

    def residents(self):
        """KiB resident of the largest worker of each pool."""
        most = {}
        for pid in self.family("POOL")[1:]:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            pool = self.pool_of(pid)
            most[pool] = max(most.get(pool, 0), int(status["VmRSS"].split()[0]))
        return most

    def pool_of(self, pid):
        """The pool by its listening socket's path."""
        names = {line.split()[6]: line.split()[7] for line in Path("/proc/net/unix").read_text().splitlines()[1:] if len(line.split()) > 7}
        for link in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(link)
            path = names.get(target[8:-1], "") if target.startswith("socket:[") else ""
            if path.startswith(str(DIR)) and path.endswith(".sock"):
                return Path(path).stem
        return "?"
