"""What keeps the services of a stack running while a test kills them: as systemd would, it starts again what died, and nothing else."""
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from accolade import DATABASE, ROOT, SLOW

SERVICES = ("database", "memcached", "pool", "nginx")
PROGRAMS = {"database": DATABASE, "memcached": "memcached", "pool": "accolade-fcgi", "nginx": "nginx"}


def stat_of(pid):
    """(state, parent, start time) of a process; None: it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else (fields[0], int(fields[1]), fields[19])


def send(pid, number):
    """Whether the process was there to take it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def server_words():
    """What stands before a command of the server that is tested; nothing for the system's."""
    script = '. "$0/lib.sh"; . "$0/server.sh"; choose_server "${ACCOLADE_TEST_SERVER:-}"; printf "%s\\n" "${SERVER[@]}"'
    done = subprocess.run(["bash", "-c", script, ROOT / "scripts"], capture_output=True, text=True, check=True)
    return [word for word in done.stdout.split("\n") if word]


class Keeper:
    """Use as a context. `deaths` has what died without being killed by us: nothing may."""
    def __init__(self, stack):
        self.stack, self.dir = stack, stack.dir
        self.commands, self.pids, self.children = {}, {}, []
        self.expected, self.deaths, self.starts = set(), [], 0
        self.lock, self.ending = threading.RLock(), threading.Event()
        for name in SERVICES:
            pid = int((self.dir / "run" / f"{name}.pid").read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            if name == "database":
                command = server_words() + command
            if name == "nginx":  # it has rewritten its title
                command = ["nginx", "-p", f"{self.dir}/nginx/", "-e", f"{self.dir}/log/nginx-error.log", "-c", f"{self.dir}/nginx/nginx.conf"]
            self.commands[name], self.pids[name] = command, pid

    def __enter__(self):
        self.thread = threading.Thread(target=self.keep)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        for child in self.children:
            child.poll()

    # -- finding --

    def members(self, name):
        """All processes of a service: they run in a folder of its own (scripts/process.sh)."""
        found = set()
        for link in Path("/proc").glob("[0-9]*"):
            try:
                folder, program = os.readlink(link / "cwd"), os.readlink(link / "exe")
            except OSError:
                continue
            if f"{folder}/".startswith(f"{self.dir}/{name}/") and program.split(" ")[0].endswith("/" + PROGRAMS[name]):
                found.add(int(link.name))
        return {pid for pid in found if stat_of(pid)}

    def under(self, name):
        """The children of a service's master."""
        return {pid for pid in self.members(name) if (stat_of(pid) or (0, 0))[1] == self.pids[name]}

    def orphans(self, name):
        return self.members(name) - {self.pids[name]} - self.under(name)

    def alive(self, name):
        return stat_of(self.pids[name]) is not None

    # -- keeping --

    def keep(self):
        while not self.ending.wait(0.02):
            for child in self.children:
                child.poll()  # no zombies
            for name in SERVICES:
                with self.lock:
                    if not self.alive(name):
                        if self.pids[name] not in self.expected:
                            self.deaths.append(f"{name} (process {self.pids[name]}) ended by itself")
                        self.start(name)

    def start(self, name):
        if name == "nginx":  # its orphaned workers keep the port, and the file of a socket is in the way
            for pid in self.orphans(name):
                send(pid, signal.SIGKILL)
            (self.dir / "admin.sock").unlink(missing_ok=True)
        if name == "memcached":
            (self.dir / "memcached.sock").unlink(missing_ok=True)
        if name == "database":  # MySQL takes the zombie of a server, or who else has its number, for one that runs
            (self.dir / "database" / "mysqld.sock.lock").unlink(missing_ok=True)
        log = open(self.dir / "log" / f"{name}.log", "ab")
        child = subprocess.Popen(self.commands[name], cwd=self.dir / name, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        self.children.append(child)
        self.pids[name] = child.pid
        self.starts += 1
        (self.dir / "run" / f"{name}.pid").write_text(f"{child.pid} {stat_of(child.pid)[2]}\n")

    # -- killing --

    def kill(self, name, before_start=lambda: None):
        """kill -9 of a service's master; before_start() is run while it is down."""
        with self.lock:
            pid = self.pids[name]
            self.expected.add(pid)
            send(pid, signal.SIGKILL)
            while stat_of(pid):
                for child in self.children:
                    child.poll()
                time.sleep(0.002)
            before_start()

    def kill_pool(self, way):
        """Three ways in which a pool can come back: the files of its sockets are removed first (scripts/run), its orphans are killed
        (systemd, KillMode=mixed), or its orphans are waited for, which end by themselves."""
        def ends():
            deadline = time.monotonic() + 15 * SLOW
            while self.orphans("pool") and time.monotonic() < deadline:
                time.sleep(0.01)
            if self.orphans("pool"):
                self.deaths.append("workers of a killed master do not end")

        def killed():
            while self.orphans("pool"):
                for pid in self.orphans("pool"):
                    send(pid, signal.SIGKILL)
                time.sleep(0.005)

        def removed():
            for name in ("events", "bulk", "api"):
                (self.dir / f"{name}.sock").unlink(missing_ok=True)
        self.kill("pool", {"ends": ends, "killed": killed, "removed": removed}[way])

    def answers(self, name):
        """Whether a service does its work, not only lives."""
        try:
            if name == "database":
                return self.stack.sql("SELECT 1") == ((1,),)
            if name == "nginx":
                return self.stack.admin.send("GET", "/healthz").status == 200
            if name == "pool":
                return self.stack.http.send("GET", "/v1/members/none/points").status == 401
            return self.stack.admin.send("GET", "/readyz").json["checks"]["memcached"] == "ok"
        except Exception:  # whatever stands in the way: not yet
            return False

    def wait_for(self, *names, seconds=60):
        deadline = time.monotonic() + seconds * SLOW
        for name in names:
            while not self.answers(name):
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} does not answer again")
                time.sleep(0.02)
