"""Below the client library: bytes on a socket as a broken client sends them, and a proxy that loses answers of the database."""
import os
import select
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from accolade import Recorder, Response


def connect(url, timeout=15):
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=timeout)


def read_response(s):
    """One answer; None where the other side closed without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = s.recv(65536)
        if not more:
            return None if not data else Response(0, [], data)
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
    response = Response(int(lines[0].split()[1]), headers, body)
    length = int(response.headers.get("content-length", -1))
    while length < 0 or len(response.body) < length:
        more = s.recv(65536)
        if not more:
            break
        response.body += more
    if response.headers.get("transfer-encoding") == "chunked":
        response.body = unchunk(response.body)
    return response


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        n = int(size, 16)
        out, data = out + data[:n], data[n + 2:]
    return out


def raw(url, data, close_after=False):
    """Sends bytes as they are; gives the answer. close_after: hangs up without reading."""
    with connect(url) as s:
        s.sendall(data)
        if close_after:
            return None
        response = read_response(s)
    Recorder.note_bytes(data, response)
    return response


class DatabaseProxy:
    """Stands where the database's socket stood and passes everything on, until it is told to lose something.

    lose_answer: the next COMMIT reaches the database, its answer never the client, and the connection is gone.
    lose_commit: the next COMMIT does not even reach the database.
    late_commit: the client's connection is gone at once, and the COMMIT reaches the database a little later.
    late_statement: the next prepared statement; it reaches the database after let_go().
    """
    COMMIT, EXECUTE = b"\x03COMMIT", b"\x17"

    def __init__(self, path):
        self.path, self.real = Path(path), Path(str(path) + ".real")
        self.lock, self.armed, self.lost, self.pairs, self.running = threading.Lock(), None, 0, set(), True
        self.free, self.done = threading.Event(), threading.Event()

    def __enter__(self):
        os.rename(self.path, self.real)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        os.chmod(self.path, 0o777)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.path.unlink()
        os.rename(self.real, self.path)
        self.listener.close()
        self.hang_up()

    def hang_up(self):
        for pair in list(self.pairs):
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def arm(self, what, times=1):
        with self.lock:
            self.armed, self.times = what, times

    def let_go(self):
        """Until the statement that was held back is done."""
        self.free.set()
        assert self.done.wait(10)

    def accept(self):
        while self.running:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self.real))
            except OSError:  # the database is away, or has its place again
                client.close()
                continue
            threading.Thread(target=self.serve, args=(client, server), daemon=True).start()

    def takes(self, data):
        """Whether what the client just sent is a COMMIT, or a statement, that is to be lost; which way."""
        if not data[4:].startswith(self.EXECUTE if self.armed == "late_statement" else self.COMMIT):
            return None
        with self.lock:
            what = self.armed
            if what:
                self.lost += 1
                self.times -= 1
                if self.times == 0:
                    self.armed = None
            return what

    def serve(self, client, server):
        self.pairs.add((client, server))
        try:
            while True:
                for s in select.select([client, server], [], [])[0]:
                    data = s.recv(1 << 20)
                    if not data:
                        return
                    what = self.takes(data) if s is client else None
                    if what == "lose_commit":
                        return
                    if what == "late_commit":
                        client.shutdown(socket.SHUT_RDWR)
                        time.sleep(0.4)
                    if what == "late_statement":
                        client.shutdown(socket.SHUT_RDWR)
                        self.free.wait(30)
                    (server if s is client else client).sendall(data)
                    if what in ("lose_answer", "late_commit", "late_statement"):
                        server.recv(1 << 16)  # it is done
                        self.done.set()
                        return
        except OSError:
            pass
        finally:
            self.pairs.discard((client, server))
            client.close()
            server.close()


def wait_for(condition, seconds=10, every=0.05):
    """The first true value of condition()."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(every)
