#!/usr/bin/python3
"""Makes the golden files of the encodings (docs/adr/0001-encodings.md).

Written from that page alone, on Python's own hmac and hashlib (and python3-cryptography for AES-GCM): it shares no code with what it
checks. Run it only to add cases: an expected value that is already there must never change.

    make.py            write the files beside this script
    make.py --check    write nothing; fail where a file differs
"""
import base64
import hashlib
import hmac
import json
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSTALLATION = [bytes(range(32)), bytes([0xFF] * 32), hashlib.sha256(b"an installation").digest()]


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def framed(data):
    return struct.pack(">I", len(data)) + data


def hkdf(secret, salt, info):
    """RFC 5869 with one block of output."""
    return mac(mac(salt, secret), info + b"\x01")


def tenant_key(installation, tenant, label):
    return hkdf(installation, struct.pack(">I", tenant), label.encode())


IDENTITY = tenant_key(INSTALLATION[0], 7, "identity")
RANDOM = tenant_key(INSTALLATION[0], 7, "random")
LEDGER = tenant_key(INSTALLATION[0], 7, "ledger")


def tenant_keys():
    return [
        {"installation": k.hex(), "tenant": t, **{n: tenant_key(k, t, n).hex() for n in ("identity", "random", "ledger", "tokens")}}
        for k in INSTALLATION
        for t in (1, 7, 256, 2**32 - 1)
    ]


def identities():
    pairs = [
        ("dialer", "c-8841"),
        ("diale", "rc-8841"),  # the same bytes cut elsewhere
        ("dialerc", "-8841"),
        ("https://crm.example/a/b?c=d", "019e0000-0000-7000-8000-000000000001"),
        ("zürich", "öl-Ω-𝄞"),
        ("a", "a"),
        ("s" * 128, "i" * 128),
    ]
    return [
        {"key": IDENTITY.hex(), "source": s, "id": i, "identity": mac(IDENTITY, framed(s.encode()) + framed(i.encode()))[:16].hex()}
        for s, i in pairs
    ]


ABSENT = object()


def value(tag, data=b""):
    return bytes([tag]) + framed(data)


def canonical(v):
    if v is ABSENT:
        return value(0)
    if v is None:
        return value(1)
    if v is False:
        return value(2)
    if v is True:
        return value(3)
    if isinstance(v, (int, float)):
        return value(4, struct.pack(">d", float(v) + 0.0))  # −0.0 + 0.0 is 0.0
    if isinstance(v, str):
        return value(5, v.encode())
    if isinstance(v, list):
        return value(6, b"".join(canonical(x) for x in v))
    members = sorted(v.items(), key=lambda m: m[0].encode())
    return value(7, b"".join(canonical(k) + canonical(x) for k, x in members))


def fingerprints():
    t = 1795255200000  # 2026-11-21T10:00:00.000Z
    # (group, type, member, time, text of data); all of a group are the same event, different groups are different events
    cases = [
        ("five", "call.completed", "agent-17", t, '{"rating":5}'),
        ("five", "call.completed", "agent-17", t, '{"rating":5.0}'),
        ("five", "call.completed", "agent-17", t, '{"rating":5e0}'),
        ("five", "call.completed", "agent-17", t, ' { "rating" : 0.5E+1 } '),
        ("five", "call.completed", "agent-17", t, '{"r\\u0061ting":50e-1}'),
        ("five as text", "call.completed", "agent-17", t, '{"rating":"5"}'),
        ("next time", "call.completed", "agent-17", t + 1, '{"rating":5}'),
        ("no time", "call.completed", "agent-17", None, '{"rating":5}'),
        ("time 0", "call.completed", "agent-17", 0, '{"rating":5}'),
        ("other member", "call.completed", "agent-18", t, '{"rating":5}'),
        ("other type", "call.complete", "dagent-17", t, '{"rating":5}'),
        ("no data", "call.completed", "agent-17", t, None),
        ("null data", "call.completed", "agent-17", t, "null"),
        ("empty object", "call.completed", "agent-17", t, "{}"),
        ("empty array", "call.completed", "agent-17", t, "[]"),
        ("empty string", "call.completed", "agent-17", t, '""'),
        ("nothing at all", "t", "m", None, None),
        ("true", "t", "m", t, "true"),
        ("false", "t", "m", t, "false"),
        ("zero", "t", "m", t, "0"),
        ("zero", "t", "m", t, "-0"),
        ("zero", "t", "m", t, "-0.0e5"),
        ("zero", "t", "m", t, "0.000"),
        ("order", "t", "m", t, '{"b":1,"a":2,"ab":3,"":4,"B":5}'),
        ("order", "t", "m", t, '{"":4,"B":5,"a":2,"ab":3,"b":1}'),
        ("order by bytes, not by UTF-16", "t", "m", t, '{"\\ud834\\udd1e":1,"\\uff5e":2,"é":3,"z":4}'),
        ("order by bytes, not by UTF-16", "t", "m", t, '{"z":4,"é":3,"\\uff5e":2,"𝄞":1}'),
        ("composed", "t", "m", t, '{"name":"\\u00e9"}'),
        ("composed", "t", "m", t, '{"name":"é"}'),
        ("decomposed", "t", "m", t, '{"name":"e\\u0301"}'),
        ("escapes", "t", "m", t, '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041"'),
        ("escapes", "t", "m", t, '"\\u0022\\u005c/\\u0008\\u000c\\u000a\\u000d\\u0009A"'),
        ("nested", "t", "m", t, '{"a":[1,[2,{"b":[]}],null],"c":{"d":{"e":{}}}}'),
        ("nested otherwise", "t", "m", t, '{"a":[1,2,[{"b":[]}],null],"c":{"d":{"e":{}}}}'),
        ("array order", "t", "m", t, "[1,2,3]"),
        ("array order otherwise", "t", "m", t, "[3,2,1]"),
        ("largest integer", "t", "m", t, "9007199254740992"),
        ("largest integer", "t", "m", t, "9007199254740992.0"),
        ("smallest integer", "t", "m", t, "-9007199254740992"),
        ("fraction", "t", "m", t, "0.1"),
        ("fraction", "t", "m", t, "1e-1"),
        ("fraction", "t", "m", t, "0.1000000000000000055511151231257827"),
        ("small", "t", "m", t, "5e-324"),
        ("large", "t", "m", t, "1e15"),
        ("large", "t", "m", t, "1000000000000000"),
        ("mixed", "lead.converted", "zoë", t, '{"value":1250.75,"tags":["a","b"],"new":true,"old":false,"note":null,"who":{"id":"x/y"}}'),
        ("mixed", "lead.converted", "zoë", t, '{"who":{"id":"x\\/y"},"note":null,"old":false,"new":true,"tags":["a","b"],"value":1.25075e3}'),
    ]
    rows, seen = [], {}
    for group, kind, member, time, text in cases:
        data = ABSENT if text is None else json.loads(text, parse_int=float)
        form = b"".join(canonical(v) for v in (kind, member, ABSENT if time is None else time, data))
        assert seen.setdefault(group, form) == form, group
        rows.append(
            {
                "group": group,
                "key": IDENTITY.hex(),
                "type": kind,
                "member": member,
                "time": time,
                "data": text,
                "canonical": form.hex(),
                "fingerprint": mac(IDENTITY, form)[:16].hex(),
            }
        )
    assert len(set(seen.values())) == len(seen)
    return rows


def requests():
    cases = [
        ("POST", "/v1/members/agent-17/adjustments", '{"currency":"points","amount":-5,"reason":"…"}'),
        ("POST", "/v1/members/agent-17/adjustments", '{"currency":"points","amount":-5.0,"reason":"…"}'),  # raw: another one
        ("PUT", "/v1/config/rule/a", ""),
        ("PUT", "/v1/config/rule/", "a"),
        ("DELETE", "/v1/config/rule/a%2Fb", ""),
        ("POST", "/v1/config/apply", "x" * 5000),
    ]
    return [
        {
            "key": IDENTITY.hex(),
            "method": m,
            "path": p,
            "body": b,
            "fingerprint": mac(IDENTITY, framed(m.encode()) + framed(p.encode()) + framed(b.encode()))[:16].hex(),
        }
        for m, p, b in cases
    ]


def random_amounts():
    rows = []
    events = [("dialer", "c-8841", "call-completed"), ("dialer", "c-8842", "call-completed"), ("zürich", "Ω", "lucky:1")]
    for source, id_, rule in events:
        for n, low, high in [
            (0, 1, 6),
            (1, 1, 6),
            (2, 1, 6),
            (0, 0, 0),
            (0, 7, 7),
            (3, -5, 5),
            (0, 1, 10**15),
            (65536, -(10**15), 10**15),
            (2**32 - 1, 0, 2**63 - 1),
            (4, -(2**63), 2**63 - 1),
        ]:
            data = framed(source.encode()) + framed(id_.encode()) + framed(rule.encode()) + struct.pack(">I", n)
            x = int.from_bytes(mac(RANDOM, data)[:8], "big")
            result = low + x * (high - low + 1) // 2**64
            assert low <= result <= high
            rows.append(
                {
                    "key": RANDOM.hex(),
                    "source": source,
                    "id": id_,
                    "rule": rule,
                    "n": n,
                    "low": str(low),
                    "high": str(high),
                    "amount": str(result),
                }
            )
    return rows


def ledger():
    transfer = bytes.fromhex("019e0000aaaa7bbb8ccc0123456789ab")
    fields = "tenant member currency part seq amount balance_after kind contra day lane n i".split()
    chain = [  # three entries of one wallet: earned, earned in part twice, spent
        (7, 2**63 - 1, 1, 1, 1, 20, 20, 1, 1, 20778, 3, 1, 0, transfer, 1795255200000),
        (7, 2**63 - 1, 1, 1, 2, 10**15, 10**15 + 20, 2, 1, 20778, 4096, 2**40, 65535, transfer, 1795255200001),
        (7, 2**63 - 1, 1, 1, 3, -(10**15), 20, 3, 2, 20779, 1, 77, 2, bytes(range(16)), 1795341600000),
    ]
    rows, previous = [], bytes(16)
    for row in chain:
        data = previous + struct.pack(">IQHBQqqBBIHQH", *row[:13]) + row[13] + struct.pack(">q", row[14])
        assert len(data) == 97
        digest = mac(LEDGER, data)[:16]
        rows.append(
            {
                "key": LEDGER.hex(),
                "previous": previous.hex(),
                **dict(zip(fields, map(str, row[:13]))),
                "transfer": row[13].hex(),
                "created_at": str(row[14]),
                "hash": digest.hex(),
            }
        )
        previous = digest
    return rows


KEY_ID = "0123456789ABCDEF"
SECRET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"


def api_tokens():
    assert len(KEY_ID) == 16 and len(SECRET) == 40
    good = [("live", KEY_ID, SECRET), ("test", "z" * 16, "0" * 40), ("a", KEY_ID, SECRET), ("0123456789abcdef", KEY_ID, SECRET)]
    rows = [
        {"text": f"acc_{e}_{k}_{s}", "valid": True, "env": e, "key_id": k, "secret": s, "stored": hashlib.sha256(s.encode()).hexdigest()}
        for e, k, s in good
    ]
    bad = [
        "",
        "acc",
        "acc___",
        f"acc_live_{KEY_ID}",
        f"acc_live_{KEY_ID}_",
        f"acc__{KEY_ID}_{SECRET}",
        f"acc_Live_{KEY_ID}_{SECRET}",
        f"acc_li-e_{KEY_ID}_{SECRET}",
        f"acc_0123456789abcdefg_{KEY_ID}_{SECRET}",
        f"Acc_live_{KEY_ID}_{SECRET}",
        f"xacc_live_{KEY_ID}_{SECRET}",
        f"acc_live_{KEY_ID[1:]}_{SECRET}",
        f"acc_live_{KEY_ID}0_{SECRET}",
        f"acc_live_{KEY_ID}_{SECRET[1:]}",
        f"acc_live_{KEY_ID}_{SECRET}0",
        f"acc_live_{KEY_ID}_{SECRET}_",
        f"acc_live_{KEY_ID}_{SECRET}_x",
        f"acc_live_{KEY_ID}_{SECRET[1:]}-",
        f"acc_live_{KEY_ID}_{SECRET[1:]} ",
        f"acc_live_{KEY_ID[2:]}é_{SECRET}",
        f" acc_live_{KEY_ID}_{SECRET}",
    ]
    return rows + [{"text": t, "valid": False} for t in bad]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def transaction_ids():
    good = [(1, 1, 1), (1, 2, 1), (16, 1, 123456789), (65535, 2, 2**63), (258, 1, 2**64 - 1)]
    rows = [
        {"text": b64(struct.pack(">HBQ", c, p, s)), "valid": True, "currency": c, "part": p, "seq": str(s)} for c, p, s in good
    ]
    one = rows[0]["text"]
    bad = [
        "",
        one[:-1],
        one + "A",
        one[:-1] + "F",  # its last character has bits beyond the 11th byte
        one + "=",
        one[:-1] + "+",
        b64(struct.pack(">HBQ", 1, 0, 1)),  # no such part
        b64(struct.pack(">HBQ", 1, 3, 1)),
        b64(struct.pack(">HBQ", 1, 1, 0)),  # sequences begin at 1
        b64(struct.pack(">HBQ", 0, 1, 1)),  # currencies are numbered from 1
        b64(struct.pack(">HBQB", 1, 1, 1, 0)),
    ]
    return rows + [{"text": t, "valid": False} for t in bad]


def sealed():
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    rows = []
    for n, clear in enumerate([b"", b"x", '{"source":"dialer","id":"Ω"}'.encode(), bytes(range(256)) * 5]):
        key = hashlib.sha256(b"sealing key %d" % n).digest()[:16]
        nonce = hashlib.sha256(b"nonce %d" % n).digest()[:12]
        tenant, member = 7 + n, 2**63 - 1 - n
        associated = struct.pack(">IQ", tenant, member)
        rows.append(
            {
                "key": key.hex(),
                "tenant": tenant,
                "member": str(member),
                "associated": associated.hex(),
                "clear": clear.hex(),
                "sealed": (nonce + AESGCM(key).encrypt(nonce, clear, associated)).hex(),
            }
        )
    return rows


def token_keys():
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    rows = []
    for n, clear in enumerate([bytes(range(32)), bytes(range(256)), b"\x30" * 91, b"\x30" * 44]):
        tenant, algorithm, kid = 7 + n * 1000, n + 1, "AZaz09KidKidKid%d" % n
        nonce = hashlib.sha256(b"token nonce %d" % n).digest()[:12]
        associated = struct.pack(">IB", tenant, algorithm) + kid.encode()
        sealed_key = nonce + AESGCM(tenant_key(INSTALLATION[0], tenant, "tokens")[:16]).encrypt(nonce, clear, associated)
        rows.append({"installation": INSTALLATION[0].hex(), "tenant": tenant, "algorithm": algorithm, "kid": kid, "associated": associated.hex(),
                     "clear": clear.hex(), "sealed": sealed_key.hex()})
    return rows


FILES = {
    "tenant_keys": tenant_keys,
    "identity": identities,
    "fingerprint": fingerprints,
    "request": requests,
    "random": random_amounts,
    "ledger": ledger,
    "api_token": api_tokens,
    "transaction_id": transaction_ids,
    "sealed": sealed,
    "token_key": token_keys,
}


def main():
    wrong = 0
    for name, make in FILES.items():
        path = HERE / f"{name}.json"
        text = "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in make()) + "\n]\n"
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.name} differs", file=sys.stderr)
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
