"""Member tokens as a tenant's back end makes them: HS256 with Python's hmac, the others by the openssl command."""
import base64
import hashlib
import hmac
import itertools
import json
import subprocess

NUMBERS = itertools.count(1)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*args, stdin=b""):
    return subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, check=True, timeout=60).stdout


def token_of(header, claims, sign):
    """header and claims: objects, or bytes as they are."""
    texts = [x if isinstance(x, bytes) else json.dumps(x, separators=(",", ":")).encode() for x in (header, claims)]
    data = ".".join(map(b64, texts)).encode()
    return data.decode() + "." + b64(sign(data))


class TokenKey:
    """A key of a tenant's, known to Accolade; what it signs."""
    KINDS = {"RS256": ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "ES256": ("EC", "-pkeyopt", "ec_paramgen_curve:P-256"), "EdDSA": ("ED25519",)}

    def __init__(self, tenant, algorithm="HS256"):
        self.tenant, self.algorithm = tenant, algorithm
        self.name = tenant.stack.dir / "documents" / f"token-key-{next(NUMBERS)}.pem"
        self.name.parent.mkdir(exist_ok=True)
        options = ()
        if algorithm != "HS256":
            openssl("genpkey", "-algorithm", *self.KINDS[algorithm], "-out", self.name)
            self.public = openssl("pkey", "-in", self.name, "-pubout")
            self.public_name = self.name.with_suffix(".pub")
            self.public_name.write_bytes(self.public)
            options = ("--public-key", self.public_name)
        self.made = tenant.stack.cli_json("token-key", "create", tenant.code, "--algorithm", algorithm, "--name", "test", *options)
        self.kid = self.made["kid"]

    def sign(self, data):
        if self.algorithm == "HS256":
            return hmac.new(unb64(self.made["secret"]), data, hashlib.sha256).digest()
        if self.algorithm == "EdDSA":
            text = self.name.with_suffix(".txt")
            text.write_bytes(data)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.name, "-in", text)
        signature = openssl("dgst", "-sha256", "-sign", self.name, stdin=data)
        return raw_pair(signature) if self.algorithm == "ES256" else signature

    def header(self, **changes):
        return {k: v for k, v in {"alg": self.algorithm, "typ": "JWT", "kid": self.kid, **changes}.items() if v is not None}

    def claims(self, member, **changes):
        """Times are seconds from now; None takes a claim away."""
        now = int(self.tenant.stack.clock.now().timestamp())
        claims = {"sub": member, "aud": self.tenant.code, "iat": 0, "exp": 600, **changes}
        return {k: v + now if k in ("iat", "exp", "nbf") else v for k, v in claims.items() if v is not None}

    def token(self, member, header=None, **claims):
        return token_of(self.header(**(header or {})), self.claims(member, **claims), self.sign)

    def revoke(self):
        return self.tenant.stack.cli("token-key", "revoke", self.tenant.code, self.kid)


def raw_pair(der):
    """r and s, 32 bytes each, of a signature in DER: 30 len 02 len r 02 len s."""
    assert der[0] == 0x30 and der[2] == 0x02
    r = der[4:4 + der[3]]
    s = der[4 + der[3] + 2:]
    return b"".join(int.from_bytes(part, "big").to_bytes(32, "big") for part in (r, s))
