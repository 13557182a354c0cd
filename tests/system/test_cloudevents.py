"""CloudEvents 1.0 in their three content modes (SEMANTICS 7): the same event is the same in each, and what is wrong gets a clear 4xx."""
import pytest

from accolade import config, currency, rule

CONFIG = config(currency(), rule("r", pays=2))
EVENT = {"specversion": "1.0", "id": "1", "source": "https://example.org/dialer", "type": "act", "subject": "m", "time": "2030-02-13T11:00:00Z",
         "datacontenttype": "application/json", "data": {"a": 1}}
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"


def without(event, *names, **more):
    return {**{k: v for k, v in event.items() if k not in names}, **more}


def structured(t, event):
    return t.call("POST", "/events", event, headers={"Content-Type": STRUCTURED})


def batched(t, *events):
    return t.call("POST", "/events", list(events), headers={"Content-Type": BATCHED})


def binary(t, event, **headers):
    """The attributes as header fields, the data as the body."""
    fields = {f"ce-{k}": str(v) for k, v in event.items() if k not in ("data", "datacontenttype")}
    return t.call("POST", "/events", event.get("data", {}), headers={**fields, **headers})


def test_S7_an_event_is_the_same_in_every_mode(make_tenant):
    t = make_tenant(CONFIG)
    first = structured(t, EVENT)
    assert first.ok()["grants"][0]["amount"] == 2 and (first.json["id"], first.json["member"]) == ("1", "m")
    for again in (structured(t, EVENT), binary(t, EVENT)):
        assert again.replayed and again.body == first.body
    (item,) = batched(t, EVENT).ok()["data"]
    assert item["replayed"] is True and item["grants"] == first.json["grants"]
    native = {"source": EVENT["source"], "id": "1", "type": "act", "member": "m", "time": EVENT["time"], "data": EVENT["data"]}
    assert t.post(native).body == first.body and t.balance("m") == 2
    for other in (structured(t, without(EVENT, data={"a": 2})), binary(t, without(EVENT, data={"a": 2}))):
        other.problem("event-id-reused")


WRONG = [  # (what is wrong, the pointer)
    ({"specversion": "0.3"}, "/specversion"), ({"specversion": "1.1"}, "/specversion"), ({"specversion": None}, "/specversion"),
    ({"id": None}, "/id"), ({"source": None}, "/source"), ({"type": None}, "/type"), ({"subject": None}, "/subject"), ({"time": "noon"}, "/time"),
    ({"type": "x" * 129}, "/type"), ({"member": "n"}, "/member"),
]


@pytest.mark.parametrize("change, place", [*WRONG, ({"specversion": 1.0}, "/specversion"), ({"data_base64": "AA=="}, "/data_base64"),
                                           ({"datacontenttype": "text/xml"}, "/datacontenttype"), ({"data": [1]}, "/data"), ({"UP": "x"}, "/UP"),
                                           ({"ext": {"a": 1}}, "/ext")])
def test_S7_inv13_what_is_wrong_in_an_event_has_its_place(shared_tenant, change, place):
    """Alone it refuses the request, in a batch the item; the header fields of binary mode are held to the same."""
    t, before = shared_tenant, shared_tenant.stack.stored()
    event = without(EVENT, *[k for k, v in change.items() if v is None], **{k: v for k, v in change.items() if v is not None})
    structured(t, event).problem("validation-failed", place)
    (item,) = batched(t, event).ok()["data"]
    assert item["status"] == "rejected" and [e["pointer"] for e in item["problem"]["errors"]] == ["/0" + place]
    if (change, place) in WRONG:
        binary(t, event).problem("validation-failed", place)
    assert t.stack.stored() == before


def test_S7_inv13_modes_that_contradict_each_other(shared_tenant):
    t, before = shared_tenant, shared_tenant.stack.stored()
    for kind in (STRUCTURED, BATCHED):
        said = binary(t, EVENT, **{"Content-Type": kind}).problem("bad-request")
        assert said["detail"] == "header fields ce-… say binary mode, the content type says another"
    t.call("POST", "/events", EVENT, headers={"Content-Type": BATCHED}).problem("validation-failed")
    t.call("POST", "/events", [EVENT], headers={"Content-Type": STRUCTURED}).problem("validation-failed")
    for kind in ("text/plain", "application/cloudevents", "application/cloudevents+xml", STRUCTURED + "; charset=latin1"):
        t.call("POST", "/events", EVENT, headers={"Content-Type": kind}).problem("unsupported-media-type")
    binary(t, EVENT, **{"Content-Type": "text/plain"}).problem("unsupported-media-type")
    binary(t, EVENT, **{"ce-source": "%zz"}).problem("bad-request")
    assert t.stack.stored() == before
