"""The bench's load generator says of every answer whether it was right: a row with wrong answers is no result."""
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from accolade import BUILD, ROOT


class Server(ThreadingHTTPServer):
    def __init__(self, answers):
        self.answers, self.seen = answers, []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, text = self.server.answers[len(self.server.seen) % len(self.server.answers)]
        self.server.seen.append(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def load():
    def run(answers, *options):
        with Server(answers) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            command = [ROOT / f"build/{BUILD}/tests/bench/load", "--port", str(server.server_address[1]), "--work", "award", "--members", "50",
                       "--time", "2026-11-21T10:00:00Z", *options]
            taken = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
            server.shutdown()
        return json.loads(taken), server.seen
    return run


def test_answers_of_other_status_or_text_are_counted(load):
    taken, seen = load([(200, b"paid"), (200, b"capped"), (500, b"paid"), (200, b"paid")], "--requests", "40", "--expect", "paid")
    assert (taken["requests"], taken["wrong"], taken["broken"]) == (40, 20, 0)
    assert taken["statuses"] == {"2xx": 30, "4xx": 0, "5xx": 10}
    assert len(seen) == 40 and len({json.loads(body)["id"] for body in seen}) == 40


def test_every_event_of_an_array_has_to_be_paid(load):
    taken, seen = load([(200, b"paid paid paid"), (200, b"paid paid")], "--requests", "4", "--array", "3", "--expect", "paid")
    assert (taken["requests"], taken["wrong"]) == (4, 2)
    assert [len(json.loads(body)) for body in seen] == [3, 3, 3, 3]


def test_a_repeat_is_the_same_bytes(load):
    _, first = load([(200, b"x")], "--requests", "10", "--run", "r")
    _, again = load([(200, b"x")], "--requests", "10", "--run", "r", "--work", "repeat", "--seconds", "1")
    assert set(again) <= set(first) and len(set(again)) > 5
