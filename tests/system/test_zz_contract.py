"""The last of the files: whatever all tests of this run sent and got, held against the API description (api/openapi.yaml)."""
from pathlib import Path

import pytest

import generated  # noqa: F401  it knows where the contract's checks are
from recorded import Checked, check, report


@pytest.fixture(scope="module")
def checked(recorder):
    recorder.file.flush()
    return check([recorder.file.name])


def test_every_answer_is_one_that_the_description_has(checked):
    told = report(checked)
    assert not told, "\n".join(told)


def test_everything_that_is_described_was_seen(checked, request):
    """Of a whole run: every route, every status of each, every problem."""
    options = request.config.option
    files = {Path(item.fspath).name for item in request.session.items}
    if options.keyword or options.markexpr or files != {path.name for path in Path(__file__).parent.glob("test_*.py")}:
        pytest.skip("not all tests of the system run this time")
    told = list(checked.unseen())
    assert not told, "\n".join(told)


BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "dialer", "ce-type": "a%20b", "ce-subject": "m", "ce-x1": "kept",
          "content-type": "application/json"}


@pytest.mark.parametrize("headers, body, fault", [
    ({}, '{"a":1}', None),
    ({"content-type": None}, None, None),
    ({"ce-subject": None, "ce-member": "m"}, "{}", None),
    ({"ce-type": None}, "{}", "ce-type is described as required"),
    ({"ce-subject": None}, "{}", "one of ce-subject, ce-member is described as required"),
    ({"ce-specversion": "0.3"}, "{}", "ce-specversion: the whole: '1.0' was expected"),
    ({"ce-id": "x" * 129}, "{}", "ce-id: the whole: "),
    ({"ce-big_x": "1"}, "{}", "ce-big_x is not described"),
    ({}, "[1]", "the whole: [1] is not of type 'object'"),
    ({"content-type": "text/plain"}, "{}", "the content type text/plain is not described"),
])
def test_S7_a_binary_cloudevent_that_was_accepted_is_held_against_the_description(headers, body, fault):
    sent = {name: value for name, value in {**BINARY, **headers}.items() if value is not None}
    checked = Checked()
    operation = checked.description.operations["send_events"]
    line = {"target": "/v1/events", "headers": sent, "body": body}
    found = list(checked.of_request(line, operation, None))
    assert not found if fault is None else len(found) == 1 and found[0].startswith(fault), found
