"""One stack for the tests of faults, whose services are kept running as systemd would; a tenant of its own for each test. The clock is that
of the machine: `verify` looks at each day of a lane, and from the demo tenant's events to those of NOON there are years."""
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / room) for room in ("system", "contract", "faults")]

from accolade import WORK, Recorder, Stack, config, currency, rule  # noqa: E402
from keeper import Keeper  # noqa: E402
from recorded import check, report  # noqa: E402
from storm import SETTINGS  # noqa: E402

ONE = config(currency(), rule("r", pays=3, count=[{"metric": "n", "by": 1}]))


@pytest.fixture(scope="session")
def stack():
    WORK.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(WORK / "http-faults.jsonl")
    made = Stack("faults", workers=4, recorder=recorder, **SETTINGS)
    try:
        made.start()
    except AssertionError as failed:
        pytest.exit(f"the stack does not start: {failed}", 1)  # once, not for every test
    yield made
    made.stop()
    recorder.close()
    assert made.sanitizer_reports() == []
    told = report(check([recorder.file.name]))  # in trouble too every answer is one that the description has
    assert not told, "\n".join(told)


@pytest.fixture
def keeper(stack):
    """Nothing may end that the test does not end."""
    with Keeper(stack) as made:
        yield made
        made.wait_for("database", "memcached", "pool", "nginx", seconds=15)
    assert made.deaths == []


@pytest.fixture
def t(stack, keeper):
    made = stack.tenant(ONE)
    yield made
    made.verify()
