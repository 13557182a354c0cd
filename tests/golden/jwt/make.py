#!/usr/bin/python3
"""Makes the golden files of member tokens: keys.json, and tokens.json with what each token comes to at a given time.

Written from RFC 7515, 7518, 7519 and 8037 on python3-cryptography; it shares no code with what it checks. The keys are those of the
RFCs' examples, and the signatures of RFC 7515 A.1 to A.3 and RFC 8037 A.4 stand here as they stand there.

    make.py            write the files beside this script
    make.py --check    write nothing; fail where a file differs
"""
import base64
import hashlib
import hmac
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils, x25519

HERE = Path(__file__).resolve().parent
NOW = 1_900_000_000  # seconds
KID = "kid0000000000001"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text):
    return int.from_bytes(unb64(text), "big")


# ---- keys ----

SECRET = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"  # RFC 7515 A.1
N = ("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b"
     "32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
     "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ")  # A.2
D = ("Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCg"
     "u-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8"
     "bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ")
P, Q = rsa.rsa_recover_prime_factors(number(N), 65537, number(D))
RSA = rsa.RSAPrivateNumbers(P, Q, number(D), rsa.rsa_crt_dmp1(number(D), P), rsa.rsa_crt_dmq1(number(D), Q), rsa.rsa_crt_iqmp(P, Q),
                            rsa.RSAPublicNumbers(65537, number(N))).private_key()
EC = ec.derive_private_key(number("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"), ec.SECP256R1())  # A.3
ED = ed25519.Ed25519PrivateKey.from_private_bytes(unb64("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))  # RFC 8037 A.1
OTHER_EC = ec.derive_private_key(7, ec.SECP256R1())
OTHER_ED = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def pem_of_der(der, label="PUBLIC KEY"):
    text = base64.b64encode(der).decode()
    return f"-----BEGIN {label}-----\n" + "\n".join(text[i:i + 64] for i in range(0, len(text), 64)) + f"\n-----END {label}-----\n"


def der(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


class Modulus:
    """A public RSA key of any modulus."""
    def __init__(self, n, e=65537):
        self.numbers = rsa.RSAPublicNumbers(e, n)

    def public_key(self):
        return self.numbers.public_key()


def private_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


PSS = bytes.fromhex("30820120300b06092a864886f70d01010a") + der(RSA)[19:]  # the same numbers under the name RSASSA-PSS
KEYS = [  # name, algorithm, text, what is wrong with it
    ("secret", "HS256", SECRET, ""),
    ("secret-32", "HS256", b64(bytes(range(32))), ""),
    ("secret-31", "HS256", b64(bytes(range(31))), "must have at least 32 bytes, which are 43 characters of base64url"),
    ("secret-256", "HS256", b64(bytes(range(256))), ""),
    ("secret-257", "HS256", b64(bytes(257)), "must have at most 256 bytes"),
    ("secret-empty", "HS256", "", "must have at least 32 bytes, which are 43 characters of base64url"),
    ("secret-padded", "HS256", b64(bytes(range(32))) + "=", "must be base64url without padding"),
    ("secret-base64", "HS256", base64.b64encode(b"\xff" * 33).decode(), "must be base64url without padding"),
    ("rsa", "RS256", pem(RSA), ""),
    ("ec", "ES256", pem(EC), ""),
    ("ed", "EdDSA", pem(ED), ""),
    ("ec-other", "ES256", pem(OTHER_EC), ""),
    ("ed-other", "EdDSA", pem(OTHER_ED), ""),
    ("rsa-with-text-around", "RS256", "the key:\n" + pem(RSA) + "\nend\n", ""),
    ("rsa-1024", "RS256", pem(Modulus(number(N) >> 1024 | 1)), "must have 2048 to 8192 bits"),
    ("rsa-2047", "RS256", pem(Modulus(number(N) >> 1 | 1)), "must have 2048 to 8192 bits"),
    ("rsa-8200", "RS256", pem(Modulus(1 << 8199 | 1)), "must have 2048 to 8192 bits"),
    ("rsa-even", "RS256", pem(Modulus(number(N) - 1)), "is not a sound key"),
    ("rsa-pss", "RS256", pem_of_der(PSS), "is not an RSA key, which RS256 needs"),
    ("rsa-for-es256", "ES256", pem(RSA), "is not a key on the curve P-256, which ES256 needs"),
    ("ec-for-rs256", "RS256", pem(EC), "is not an RSA key, which RS256 needs"),
    ("ec-for-eddsa", "EdDSA", pem(EC), "is not an Ed25519 key, which EdDSA needs"),
    ("ed-for-es256", "ES256", pem(ED), "is not a key on the curve P-256, which ES256 needs"),
    ("p-384", "ES256", pem(ec.derive_private_key(7, ec.SECP384R1())), "is not a key on the curve P-256, which ES256 needs"),
    ("secp256k1", "ES256", pem(ec.derive_private_key(7, ec.SECP256K1())), "is not a key on the curve P-256, which ES256 needs"),
    ("ed448", "EdDSA", pem(ed448.Ed448PrivateKey.from_private_bytes(bytes(57))), "is not an Ed25519 key, which EdDSA needs"),
    ("x25519", "EdDSA", pem(x25519.X25519PrivateKey.from_private_bytes(bytes(32))), "is not an Ed25519 key, which EdDSA needs"),
    ("off-the-curve", "ES256", pem_of_der(der(EC)[:-1] + bytes([der(EC)[-1] ^ 1])), "is not a public key in PEM"),
    ("rsa-private", "RS256", private_pem(RSA), "is a private key: give the public one, and show this one to nobody"),
    ("ed-private", "EdDSA", private_pem(ED), "is a private key: give the public one, and show this one to nobody"),
    ("certificate", "RS256", pem_of_der(b"x", "CERTIFICATE"), "is a certificate: give the public key in it"),
    ("pkcs1", "RS256", pem_of_der(RSA.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1), "RSA PUBLIC KEY"),
     "must be a public key in PEM, from -----BEGIN PUBLIC KEY-----"),
    ("cut-short", "RS256", pem(RSA)[:200], "is not a public key in PEM"),
    ("no-der", "RS256", pem_of_der(b"nonsense"), "is not a public key in PEM"),
    ("no-pem", "EdDSA", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "must be a public key in PEM, from -----BEGIN PUBLIC KEY-----"),
    ("empty", "EdDSA", "", "must be a public key in PEM, from -----BEGIN PUBLIC KEY-----"),
    ("huge", "RS256", pem(RSA) + " " * 8192, "must be a public key in PEM, from -----BEGIN PUBLIC KEY-----"),
]
TEXTS = {name: text for name, _, text, _ in KEYS}


# ---- signing ----

def hs256(data, secret=None):
    return hmac.new(unb64(SECRET) if secret is None else secret, data, hashlib.sha256).digest()


def rs256(data):
    return RSA.sign(data, padding.PKCS1v15(), hashes.SHA256())


def es256_pair(data, key=EC):
    """The same signature each time: k from key and message; the library alone would draw it."""
    d = key.private_numbers().private_value
    k = int.from_bytes(hashlib.sha512(d.to_bytes(32, "big") + data).digest(), "big") % (ORDER - 1) + 1
    r = ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers().x % ORDER
    s = pow(k, -1, ORDER) * (int.from_bytes(hashlib.sha256(data).digest(), "big") + r * d) % ORDER
    key.public_key().verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    return r, s


def es256(data, key=EC):
    r, s = es256_pair(data, key)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def eddsa(data):
    return ED.sign(data)


SIGN = {"HS256": hs256, "RS256": rs256, "ES256": es256, "EdDSA": eddsa}
KEY = {"HS256": "secret", "RS256": "rsa", "ES256": "ec", "EdDSA": "ed"}


def text(value):
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signed(header, claims, sign):
    data = f"{b64(text(header))}.{b64(text(claims))}".encode()
    return data.decode() + "." + b64(sign(data))


CLAIMS = {"sub": "agent-17", "aud": "acme", "iat": NOW - 100, "exp": NOW + 500}


def head(alg="HS256", **more):
    return {"alg": alg, "typ": "JWT", "kid": KID, **more}


def claims(**changes):
    """The good claims with changes; None takes one away."""
    return {k: v for k, v in {**CLAIMS, **changes}.items() if v is not None}


# ---- cases: name, key, token, what it comes to, now in milliseconds ----

CASES = []


def case(name, token, comes_to, key="secret", now_ms=NOW * 1000):
    CASES.append({"name": name, "key": key, "token": token, "comes_to": comes_to, "now_ms": now_ms})


def header_case(name, header, comes_to="form"):
    case("header: " + name, signed(header, CLAIMS, hs256), comes_to)


def claims_case(name, value, comes_to, now_ms=NOW * 1000):
    case("claims: " + name, signed(head(), value, hs256), comes_to, now_ms=now_ms)


RFC_CLAIMS = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
NO_SUB = "the token needs sub, the id of a member"
NO_OBJECT = "the token's claims are not one object of strict JSON"
AUD = "the token's aud does not name the tenant"
IAT, EXP = "the token needs iat, the time of its issue in seconds", "the token needs exp, the time of its end in seconds"
EXPIRED, EARLY, LONG = "the token has expired", "the token is not valid yet", "the token is made for longer than 24 hours"

# The RFCs' own examples: true signatures, of other claims than ours.
case("RFC 7515 A.1, HS256", f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{RFC_CLAIMS}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", NO_SUB)
case("RFC 7515 A.2, RS256",
     f"eyJhbGciOiJSUzI1NiJ9.{RFC_CLAIMS}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJ"
     "dbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsq"
     "tFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw", NO_SUB, "rsa")
case("RFC 7515 A.3, ES256", f"eyJhbGciOiJFUzI1NiJ9.{RFC_CLAIMS}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
     NO_SUB, "ec")
case("RFC 7515 A.5, none", f"eyJhbGciOiJub25lIn0.{RFC_CLAIMS}.", "form")
case("RFC 8037 A.4, EdDSA", "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9"
     "g7sVvpAr_MuM0KAg", NO_OBJECT, "ed")

for algorithm, sign in SIGN.items():
    good = signed(head(algorithm), CLAIMS, sign)
    parts = good.split(".")
    signature = unb64(parts[2])
    case(f"{algorithm}: good", good, "", KEY[algorithm])
    for wanted in SIGN:
        if wanted != algorithm:
            case(f"{algorithm}: the key is for {wanted}", good, "signature", KEY[wanted])
            case(f"{algorithm}: signed so, the header says {wanted}", signed(head(wanted), CLAIMS, sign), "signature", KEY[wanted])
            case(f"{algorithm}: signed so, the header says {wanted}, the key is its own", signed(head(wanted), CLAIMS, sign), "signature", KEY[algorithm])
    for bit in (0, 7, 8 * (len(signature) // 2), 8 * len(signature) - 1):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        case(f"{algorithm}: bit {bit} of the signature", f"{parts[0]}.{parts[1]}.{b64(bytes(flipped))}", "signature", KEY[algorithm])
    case(f"{algorithm}: a byte less", f"{parts[0]}.{parts[1]}.{b64(signature[:-1])}", "signature", KEY[algorithm])
    case(f"{algorithm}: a byte more", f"{parts[0]}.{parts[1]}.{b64(signature + bytes(1))}", "signature", KEY[algorithm])
    case(f"{algorithm}: only zeros", f"{parts[0]}.{parts[1]}.{b64(bytes(len(signature)))}", "signature", KEY[algorithm])
    case(f"{algorithm}: one byte", f"{parts[0]}.{parts[1]}.{b64(bytes(1))}", "signature", KEY[algorithm])
    case(f"{algorithm}: other claims", f"{parts[0]}.{b64(text(claims(sub='agent-18')))}.{parts[2]}", "signature", KEY[algorithm])
    case(f"{algorithm}: another header", f"{b64(text(head(algorithm, x=1)))}.{parts[1]}.{parts[2]}", "signature", KEY[algorithm])

# The old trick: whoever knows the public key takes it for the secret of HS256.
for name in ("rsa", "ec", "ed"):
    for what, secret in (("PEM", TEXTS[name].encode()), ("PEM without the last line end", TEXTS[name].rstrip().encode())):
        case(f"HS256 over the public key {name} as {what}", signed(head("HS256"), CLAIMS, lambda data: hs256(data, secret)), "signature", name)
case("HS256 over the RSA key's DER", signed(head("HS256"), CLAIMS, lambda data: hs256(data, der(RSA))), "signature", "rsa")
case("HS256 over no secret", signed(head("HS256"), CLAIMS, lambda data: hs256(data, b"")), "signature")

case("ES256 as DER", signed(head("ES256"), CLAIMS, lambda data: utils.encode_dss_signature(*es256_pair(data))), "signature", "ec")
case("ES256: s and its negative are the same signature",
     signed(head("ES256"), CLAIMS, lambda data: (lambda r, s: r.to_bytes(32, "big") + (ORDER - s).to_bytes(32, "big"))(*es256_pair(data))), "", "ec")
case("ES256: r and s are the order", signed(head("ES256"), CLAIMS, lambda data: ORDER.to_bytes(32, "big") * 2), "signature", "ec")
case("ES256: another key", signed(head("ES256"), CLAIMS, lambda data: es256(data, OTHER_EC)), "signature", "ec")
case("EdDSA: another key", signed(head("EdDSA"), CLAIMS, OTHER_ED.sign), "signature", "ed")
case("RS256 with PSS padding", signed(head("RS256"), CLAIMS, lambda data: RSA.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 0), hashes.SHA256())),
     "signature", "rsa")
case("RS256 over SHA-512", signed(head("RS256"), CLAIMS, lambda data: RSA.sign(data, padding.PKCS1v15(), hashes.SHA512())), "signature", "rsa")
case("RS256 over SHA-1", signed(head("RS256"), CLAIMS, lambda data: RSA.sign(data, padding.PKCS1v15(), hashes.SHA1())), "signature", "rsa")

# The form.
GOOD = signed(head(), CLAIMS, hs256)
H, B, S = GOOD.split(".")
for name, token in (
    ("empty", ""), ("no dots", H), ("one dot", f"{H}.{B}"), ("three dots", f"{GOOD}.x"), ("five parts", f"{GOOD}.x.y"), ("only dots", ".."),
    ("no signature", f"{H}.{B}."), ("no header", f".{B}.{S}"), ("no payload", f"{H}..{S}"), ("a space before", f" {GOOD}"), ("a line end behind", f"{GOOD}\n"),
    ("padded header", f"{H}=.{B}.{S}"), ("padded payload", f"{H}.{B}=.{S}"), ("padded signature", f"{H}.{B}.{S}="), ("padding escaped", f"{H}.{B}.{S}%3D"),
    ("the alphabet of base64", f"{H}.{B}.{S.replace('_', '/').replace('-', '+')}" if set(S) & set("-_") else f"{H}.{B}.+/{S[2:]}"),
    ("a header of a bad length", f"{H}A.{B}.{S}" if len(H) % 4 == 0 else f"{H[:len(H) // 4 * 4 + 1]}.{B}.{S}"),
    ("bits left over in the signature", f"{H}.{B}.{S[:-1]}{'B' if S[-1] != 'B' else 'C'}"),
    ("a control character within", f"{H}.{B}.{S[:10]}\x01{S[11:]}"), ("a line end within", f"{H}.{B}.{S[:10]}\n{S[10:]}"),
    ("JSON, not compact", json.dumps({"payload": B, "protected": H, "signature": S})),
    ("signed by nobody", f"{b64(text(head('none')))}.{B}."), ("none with a signature", signed(head("none"), CLAIMS, hs256)),
):
    case("form: " + name, token, "form")
LONGEST = 4096
for n in (LONGEST, LONGEST + 1):
    sized = next(t for t in (signed(head(), claims(x="a" * k), hs256) for k in range(2700, 3100)) if len(t) >= n)
    if len(sized) != n:
        sized = next(t for t in (signed(head(y="b" * j), claims(x="a" * k), hs256) for j in range(1, 9) for k in range(2600, 3100)) if len(t) == n)
    case(f"form: {n} characters", sized, "" if n == LONGEST else "form")

# Headers.
header_case("least", {"alg": "HS256"}, "")
header_case("with what it need not have", head(cty="text", x5t="abc", iss="us", b64=True), "")
for name, header in (
    ("crit", head(crit=["exp"], exp=1)), ("crit, empty", head(crit=[])), ("crit, null", head(crit=None)), ("b64 and crit", head(b64=False, crit=["b64"])),
    ("jku", head(jku="https://attacker.example/keys")), ("jwk", head(jwk={"kty": "oct", "k": SECRET})), ("x5u", head(x5u="https://attacker.example/cert")),
    ("x5c", head(x5c=["MIIB"])), ("jku, empty", head(jku="")), ("typ of another", head(typ="at+jwt")), ("typ in small letters", head(typ="jwt")),
    ("typ null", head(typ=None)), ("typ empty", head(typ="")), ("typ a number", head(typ=1)), ("no alg", {"typ": "JWT", "kid": KID}), ("alg null", head(alg=None)),
    ("alg a list", head(alg=["HS256"])), ("alg in small letters", head("hs256")), ("alg None", head("None")), ("alg NONE", head("NONE")), ("alg empty", head("")),
    ("alg HS384", head("HS384")), ("alg HS512", head("HS512")), ("alg RS512", head("RS512")), ("alg PS256", head("PS256")), ("alg ES256K", head("ES256K")),
    ("alg with a space", head("HS256 ")), ("kid a number", head(kid=1)), ("kid a list", head(kid=[KID])), ("a list", [head()]), ("a text", "HS256"), ("null", None),
    ("no JSON", b"{alg:HS256}"), ("cut short", b'{"alg":"HS256"'), ("more behind", b'{"alg":"HS256"} x'), ("two values", b'{"alg":"HS256"}{}'),
    ("alg twice", b'{"alg":"HS256","alg":"none"}'), ("alg twice, escaped", b'{"alg":"none","\\u0061lg":"HS256"}'), ("kid twice", b'{"alg":"HS256","kid":"a","kid":"b"}'),
    ("a comment", b'{"alg":"HS256"/**/}'), ("a comma too many", b'{"alg":"HS256",}'), ("no UTF-8", b'{"alg":"HS256","x":"\xff"}'),
    ("a byte order mark", b'\xef\xbb\xbf{"alg":"HS256"}'), ("a NUL", b'{"alg":"HS256","x":"\\u0000"}'), ("too deep", b'{"alg":"HS256","x":' + b"[" * 40 + b"]" * 40 + b"}"),
):
    header_case(name, header)

# Claims.
for name, value in (("a list", [CLAIMS]), ("null", None), ("a text", "agent-17"), ("no JSON", b"sub=agent-17"), ("sub twice", text(CLAIMS)[:-1] + b',"sub":"agent-18"}'),
                    ("exp twice", text(CLAIMS)[:-1] + b',"exp":1900000100}'), ("more behind", text(CLAIMS) + b"{}"), ("no UTF-8", text(CLAIMS)[:-1] + b',"x":"\xc3"}'),
                    ("NaN", text(CLAIMS)[:-1] + b',"x":NaN}'), ("a number beyond the doubles", text(CLAIMS)[:-1] + b',"x":1e999}'),
                    ("an integer that is not kept exactly", text(CLAIMS)[:-1] + b',"exp2":9007199254740993}')):
    claims_case(name, value, NO_OBJECT)
for name, sub in (("absent", None), ("empty", ""), ("a number", 17), ("a list", ["agent-17"]), ("an object", {}), ("too long", "x" * 129), ("with a line end", "a\nb"),
                  ("a way up", "a/../b"), ("dots", "..")):
    claims_case(f"sub {name}", claims(sub=sub), NO_SUB)
claims_case("sub null", {**CLAIMS, "sub": None}, NO_SUB)
claims_case("sub as long as can be", claims(sub="x" * 128), "")
claims_case("sub with other letters", claims(sub="jürgen/ñ 1"), "")
for name, aud, comes_to in (("absent", None, AUD), ("another", "acme2", AUD), ("a part of it", "acm", AUD), ("other letters", "ACME", AUD), ("empty", "", AUD), ("a number", 1, AUD),
                            ("an object", {"acme": 1}, AUD), ("an empty list", [], AUD), ("a list with it", ["other", "acme"], ""), ("a list without it", ["other", "acme2"], AUD),
                            ("a list with more than texts", ["acme", 1], AUD), ("a list in a list", [["acme"]], AUD), ("a text with a space", "acme other", AUD)):
    claims_case(f"aud {name}", claims(aud=aud), comes_to)
claims_case("iss a text", claims(iss="https://crm.example"), "")
claims_case("iss a number", claims(iss=1), "the token's iss is not a text")
claims_case("more than is asked", claims(jti="x", scope="operator", tenant="other", roles=["admin"]), "")

for name, iat in (("absent", None), ("a text", str(NOW)), ("negative", -1), ("true", True), ("beyond all time", 10**13)):
    claims_case(f"iat {name}", claims(iat=iat), IAT)
for name, exp in (("absent", None), ("a text", str(NOW + 500)), ("negative", -1), ("in milliseconds", (NOW + 500) * 1000), ("an object", {})):
    claims_case(f"exp {name}", claims(exp=exp), EXP)
claims_case("exp null", {**CLAIMS, "exp": None}, EXP)
for name, nbf in (("a text", "now"), ("negative", -1), ("a list", [NOW])):
    claims_case(f"nbf {name}", claims(nbf=nbf), "the token's nbf is not a time in seconds")
claims_case("exp before iat", claims(iat=NOW, exp=NOW - 1), "the token ends before it is issued")
claims_case("exp is iat", claims(iat=NOW, exp=NOW), "the token ends before it is issued")
claims_case("made for 24 hours", claims(iat=NOW, exp=NOW + 86400), "")
claims_case("made for 24 hours and a second", claims(iat=NOW, exp=NOW + 86401), LONG)
claims_case("made for 24 hours and a thousandth", claims(iat=NOW, exp=NOW + 86400.001), LONG)
claims_case("made for ever", claims(exp=4102444800), LONG)
claims_case("fractions of seconds", claims(iat=NOW - 0.5, exp=NOW + 0.25, nbf=NOW - 0.125), "")
for late, comes_to in ((0, ""), (59_999, ""), (60_000, EXPIRED), (10**9, EXPIRED)):
    claims_case(f"{late} ms after its end", claims(), comes_to, now_ms=(NOW + 500) * 1000 + late)
for early, comes_to in ((0, ""), (60_000, ""), (60_001, EARLY), (10**9, EARLY)):
    claims_case(f"{early} ms before its issue", claims(), comes_to, now_ms=(NOW - 100) * 1000 - early)
    claims_case(f"{early} ms before nbf", claims(iat=NOW - 4000, exp=NOW + 4000, nbf=NOW), comes_to if early < 10**9 else EARLY,
                now_ms=NOW * 1000 - min(early, 3_000_000))
claims_case("fractions count: the end", claims(exp=NOW + 0.25), EXPIRED, now_ms=NOW * 1000 + 60_250)
claims_case("fractions count: just before it", claims(exp=NOW + 0.25), "", now_ms=NOW * 1000 + 60_249)

FILES = {
    "keys": [{"name": n, "algorithm": a, "text": t, "fault": f} for n, a, t, f in KEYS],
    "tokens": CASES,
}


def main():
    check, same = "--check" in sys.argv[1:], True
    for name, rows in FILES.items():
        path = HERE / f"{name}.json"
        made = "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"
        if not check:
            path.write_text(made)
        elif path.read_text() != made:
            print(f"{path.name} differs")
            same = False
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
