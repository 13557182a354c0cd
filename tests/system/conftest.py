"""One stack for the whole session; a tenant of its own for each test, verified after it; the lanes verified after each module, everything at
the end."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from accolade import NOON, WORK, Recorder, Stack  # noqa: E402


@pytest.fixture(scope="session")
def recorder():
    WORK.mkdir(parents=True, exist_ok=True)
    made = Recorder(WORK / "http.jsonl")
    yield made
    made.close()


@pytest.fixture(scope="session")
def stack(recorder):
    made = Stack("system", recorder=recorder)
    try:
        made.start()
    except AssertionError as failed:
        pytest.exit(f"the stack does not start: {failed}", 1)  # once, not for every test
    workers = made.pool_workers()
    yield made
    try:
        report = made.verify()
        assert report["tenants"] >= 1 and report["entries"] > 0
        assert made.pool_workers() == workers, "a worker died during the session (see the pool's log)"
    finally:
        made.stop()
    assert made.sanitizer_reports() == []


@pytest.fixture(autouse=True)
def named(request, recorder):
    recorder.test = request.node.nodeid


@pytest.fixture(scope="module", autouse=True)
def lanes(request):
    """What the tests of a module wrote together: the lanes, and their sums at one cut."""
    used = any("stack" in item.fixturenames for item in request.session.items if item.module is request.module)
    stack = request.getfixturevalue("stack") if used else None
    yield
    if used:
        report = stack.verify(stack.env["ACCOLADE_TENANT"], own=False)
        assert report["lanes"] > 0


@pytest.fixture
def clock(stack):
    return stack.clock


@pytest.fixture
def make_tenant(stack):
    """make_tenant(document) → a tenant that only this test uses. Every one is verified when the test is over."""
    stack.clock.set(NOON)
    made = []

    def make(document=None, code=None):
        made.append(stack.tenant(document, code))
        return made[-1]

    yield make
    for tenant in made:
        tenant.verify()


@pytest.fixture(scope="module")
def shared_tenant(stack, request):
    """A tenant for the cases of one module that write nothing, made from the module's CONFIG."""
    stack.clock.set(NOON)
    made = stack.tenant(request.module.CONFIG)
    yield made
    made.verify()
