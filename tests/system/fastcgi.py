"""FastCGI as a web server speaks it, byte by byte: for what nginx would never send. And masters of our own on sockets of our own."""
import fcntl
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from accolade import BUILD, ROOT, SANITIZER, SLOW, Recorder

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
BINARY = ROOT / "build" / BUILD / "accolade-fcgi"


def record(kind, content=b""):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def pair(name, value):
    def length(text):
        return struct.pack("B", len(text)) if len(text) < 128 else struct.pack(">I", len(text) | 0x80000000)
    name, value = name.encode(), value.encode()
    return length(name) + length(value) + name + value


def message(method="GET", uri="/healthz", body=b"", key=None, keep=False, end=True, **params):
    """A whole request. Further parameters by name; one that is None is left out."""
    given = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "REQUEST_ID": "raw", "CONTENT_LENGTH": str(len(body))}
    if body:
        given["CONTENT_TYPE"] = "application/json"
    if key:
        given["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    given.update(params)
    named = b"".join(pair(name, value) for name, value in given.items() if value is not None)
    out = record(BEGIN, struct.pack(">HB5x", 1, keep)) + record(PARAMS, named) + record(PARAMS)
    for at in range(0, len(body), 65535):
        out += record(STDIN, body[at:at + 65535])
    return out + (record(STDIN) if end else b"")


def lengths(data):
    """The two lengths before a name and its value, and what follows them."""
    found = []
    for _ in range(2):
        long = data[0] & 0x80
        found.append(struct.unpack(">I", data[:4])[0] & 0x7fffffff if long else data[0])
        data = data[4 if long else 1:]
    return (*found, data)


def request_of(data):
    """(method, target, header fields, body) of a whole message; None where it is none that a web server sends for the public listener."""
    streams, ended = {PARAMS: b"", STDIN: b""}, set()
    while len(data) >= 8:
        _, kind, _, length, padding = struct.unpack(">BBHHBx", data[:8])
        if kind in streams:
            streams[kind] += data[8:8 + length]
            ended |= {kind} if length == 0 else set()
        data = data[8 + length + padding:]
    if data or ended != {PARAMS, STDIN}:
        return None
    params, rest = {}, streams[PARAMS]
    while rest:
        n_name, n_value, rest = lengths(rest)
        params[rest[:n_name].decode("latin-1")] = rest[n_name:n_name + n_value].decode("latin-1")
        rest = rest[n_name + n_value:]
    method, target = params.get("REQUEST_METHOD", ""), params.get("REQUEST_URI", "")
    if method in ("", "HEAD") or not target.startswith("/") or "ACCOLADE_LISTENER" in params:
        return None
    headers = {name[5:].replace("_", "-"): value for name, value in params.items() if name.startswith("HTTP_")}
    return method, target, {**headers, **({"Content-Type": params["CONTENT_TYPE"]} if "CONTENT_TYPE" in params else {})}, streams[STDIN]


ALIVE = message(ACCOLADE_LISTENER="admin")


class Answer:
    def __init__(self, status, body, head=b""):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head.decode().split("\r\n") if line)}


class Connection:
    def __init__(self, path, data=b"", timeout=15):
        self.sent = data
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        if data:
            self.socket.sendall(data)

    def answer(self):
        """Reads until the other side closes; None where it did so without an answer. The end of a request must have been said."""
        received, out, ended = b"", b"", False
        while True:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                break
            received += data
        self.socket.close()
        while len(received) >= 8:
            _, kind, _, length, padding = struct.unpack(">BBHHBx", received[:8])
            if kind == STDOUT:
                out += received[8:8 + length]
            ended = ended or kind == END
            received = received[8 + length + padding:]
        if not out and not ended:
            return None
        assert ended and not received, out
        head, _, body = out.partition(b"\r\n\r\n")
        assert head.startswith(b"Status: "), head
        answer = Answer(int(head[8:11]), body, head)
        asked = request_of(self.sent)
        if Recorder.current and asked:
            Recorder.current.note(*asked, answer)
        return answer


def ask(path, data):
    return Connection(path, data).answer()


def send(pids, which):
    for pid in pids:
        os.kill(pid, which)


def children(master):
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if int(parent) == master and state != "Z":
            found.add(int(stat.parent.name))
    return found


class Master:
    """accolade-fcgi beside the stack's own, with its database, one worker in each pool, and its sockets in a folder."""
    def __init__(self, stack, folder, fds=(), names="events:bulk:api", **settings):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.log = folder, folder / "log"
        lines = dict(line.split(" = ", 1) for line in (stack.dir / "accolade.conf").read_text().splitlines() if " = " in line)
        lines |= {f"{name}_socket": str(folder / f"{name}.sock") for name in ("events", "bulk", "api")}
        lines |= {f"{name}_workers": "1" for name in ("events", "bulk", "api")}
        lines["page_file"] = str(folder / "page")
        lines |= {name: str(value) for name, value in settings.items()}
        self.conf = folder / "accolade.conf"
        self.conf.write_text("".join(f"{name} = {value}\n" for name, value in lines.items()))
        command = [BINARY, "-c", self.conf, "--pid-file", folder / "pid"]
        copies = [fcntl.fcntl(fd, fcntl.F_DUPFD, 50) for fd in fds]
        if fds:  # systemd's way: from descriptor 3 on, for this process id only
            moves = " ".join(f"{3 + i}<&{fd} {fd}<&-" for i, fd in enumerate(copies))
            command = ["bash", "-c", f'exec {moves}; export LISTEN_PID=$$ LISTEN_FDS={len(fds)} LISTEN_FDNAMES=$0; exec "$@"', names, *command]
        (folder / "pid").unlink(missing_ok=True)
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, pass_fds=copies)
        for fd in copies:
            os.close(fd)
        pools = () if "log_file" in settings else ("events", "bulk", "api")
        self.wait(lambda: self.process.poll() is not None or ((folder / "pid").exists() and all(map(self.has_begun, pools))))

    def has_begun(self, pool):
        return any(f" worker pool={pool} " in line and line.endswith("what=started") for line in self.text().splitlines())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            for pid in children(self.process.pid):
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:  # it has just ended by itself
                    pass
            self.process.terminate()
            self.process.wait(30)
        assert not SANITIZER.search(self.text()), self.text()

    def socket(self, pool):
        return self.folder / f"{pool}.sock"

    def text(self):
        return self.log.read_text(errors="backslashreplace")

    def workers(self, pool):
        """Process ids of the pool's workers that live, oldest first, by the log."""
        alive = children(self.process.pid)
        found = [int(line.split(" worker=")[1].split()[0]) for line in self.text().splitlines()
                 if f" worker pool={pool} " in line and line.endswith("what=started")]
        return [pid for pid in found if pid in alive]

    def worker(self, pool):
        """The one worker of the pool, as soon as it is the only one."""
        found = []
        def only():
            found[:] = self.workers(pool)
            return len(found) == 1
        self.wait(only)
        return found[0]

    def wait(self, condition, seconds=10):
        end = time.monotonic() + seconds * SLOW
        while not condition():
            assert time.monotonic() < end, self.text()
            time.sleep(0.02)
