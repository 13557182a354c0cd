"""The last of the files: whatever all tests of this run sent and got, held against the API description (api/openapi.yaml)."""
from pathlib import Path

import pytest

import generated  # noqa: F401  it knows where the contract's checks are
from recorded import check, report


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
