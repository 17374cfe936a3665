"""Writes tests/data/credentials.json: credentials made by other implementations, and forms that lenient
readers are known to let through. Run by hand: python3 vectors.py OUT MADE, where MADE is what this
service makes of the same claims (JSON). Needs PyJWT, cwt and cryptography."""
import base64, hashlib, hmac, json, sys, zlib
import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cbor2 import CBORTag, dumps

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
L = 2**252 + 27742317777372353535851937790883648493
b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
ed = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([5] * 32))
es = ec.derive_private_key(int.from_bytes(bytes([5] * 32), "big"), ec.SECP256R1())

def jwk_of(key):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        x = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64(x)}
        alg = "EdDSA"
    else:
        n = key.public_key().public_numbers()
        jwk = {"crv": "P-256", "kty": "EC", "x": b64(n.x.to_bytes(32, "big")), "y": b64(n.y.to_bytes(32, "big"))}
        alg = "ES256"
    kid = hashlib.sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest()[:8]
    return dict(jwk, kid=b64(kid), alg=alg, use="sig"), b64(kid).encode()

JWK = {"EdDSA": jwk_of(ed), "ES256": jwk_of(es)}
KEY = {"EdDSA": ed, "ES256": es}

def raw_sign(alg, message):
    if alg == "EdDSA":
        return ed.sign(message)
    r, s = decode_dss_signature(es.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")

claims = {
    "iss": "https://customs.example", "sub": "FR-EXP-2026-000412", "iat": 1790000000, "exp": 1822262400,
    "status": {"status_list": {"idx": 412, "uri": "https://customs.example/v1/status-lists/0"}},
    "licence_version": 3,
    "licence": {"number": "FR-EXP-2026-000412", "kind": "export", "issuing_state": "FR",
                "exporter": {"id": "FR12345678901234", "name": "Armurerie du Rhône SA"},
                "lines": [{"line": 1, "quantity": "50", "unit": "C62", "serials": ["VC000101", "VC000102"]}]},
}
vectors = []
def add(comment, credential, result="invalid"):
    vectors.append({"comment": comment, "credential": credential, "result": result})

# --- JWS
def jws(alg, header=None, payload=None, signature=None, key=None):
    head = header if header is not None else {"alg": alg, "kid": JWK[alg][0]["kid"], "typ": "licence+jwt"}
    head = head if isinstance(head, bytes) else json.dumps(head).encode()
    body = payload if payload is not None else json.dumps(claims).encode()
    signed = (b64(head) + "." + b64(body)).encode()
    sig = signature(signed) if signature else raw_sign(key or alg, signed)
    return signed.decode() + "." + b64(sig)

def header(alg, **more):
    return dict({"alg": alg, "kid": JWK[alg][0]["kid"], "typ": "licence+jwt"}, **more)

for alg in ("EdDSA", "ES256"):
    made = jwt.encode(claims, KEY[alg], algorithm=alg, headers={"kid": JWK[alg][0]["kid"], "typ": "licence+jwt"})
    add(f"made by PyJWT, {alg}", made, "valid")
    good = jws(alg)
    h, p, s = good.split(".")
    add(f"{alg}: no signature", f"{h}.{p}.")
    add(f"{alg}: two parts", f"{h}.{p}")
    add(f"{alg}: four parts", f"{good}.AA")
    add(f"{alg}: signature of zeros", f"{h}.{p}.{b64(bytes(64))}")
    add(f"{alg}: signature cut", f"{h}.{p}.{b64(base64.urlsafe_b64decode(s + '==')[:-1])}")
    add(f"{alg}: signature with a byte more", f"{h}.{p}.{b64(base64.urlsafe_b64decode(s + '==') + b'0')}")
    add(f"{alg}: padding", f"{h}.{p}.{s}==")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    add(f"{alg}: bits behind the signature", f"{h}.{p}.{s[:-1]}{last[last.index(s[-1]) ^ 1]}")
    add(f"{alg}: a line break within", f"{h}.{p[:20]}\n{p[20:]}.{s}")
    add(f"{alg}: alg none", jws(alg, {**header(alg), "alg": "none"}))
    add(f"{alg}: alg none, no signature", jws(alg, {**header(alg), "alg": "none"}, signature=lambda m: b""))
    public = KEY[alg].public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    mac = lambda m: hmac.new(public, m, hashlib.sha256).digest()
    add(f"{alg}: HS256 under the public key", jws(alg, {**header(alg), "alg": "HS256"}, signature=mac))
    other = "ES256" if alg == "EdDSA" else "EdDSA"
    add(f"{alg}: says the other algorithm", jws(alg, {**header(alg), "alg": other}))
    add(f"{alg}: the other key's identifier", jws(alg, {**header(alg), "kid": JWK[other][0]["kid"]}))
    add(f"{alg}: an unknown identifier", jws(alg, {**header(alg), "kid": "AAAAAAAAAAA"}))
    add(f"{alg}: no identifier", jws(alg, {"alg": alg, "typ": "licence+jwt"}))
    add(f"{alg}: a key within", jws(alg, header(alg, jwk=JWK[alg][0])))
    add(f"{alg}: a key elsewhere", jws(alg, header(alg, jku="https://evil.example/jwks.json")))
    add(f"{alg}: a critical extension", jws(alg, header(alg, crit=["exp"], exp=1)))
    add(f"{alg}: payload not encoded", jws(alg, header(alg, b64=False, crit=["b64"])))
    add(f"{alg}: typ JWT", jws(alg, {**header(alg), "typ": "JWT"}))
    add(f"{alg}: typ of a status list", jws(alg, {**header(alg), "typ": "statuslist+jwt"}))
    twice = json.dumps(header(alg))[:-1].encode() + b',"alg":"none"}'
    add(f"{alg}: alg stands twice", jws(alg, twice))
    body = json.dumps(claims)[:-1].encode() + b',"sub":"FR-EXP-2026-000999"}'
    add(f"{alg}: a claim stands twice", jws(alg, payload=body))
    add(f"{alg}: claims are a list", jws(alg, payload=b"[]"))
    changed = b64(json.dumps({**claims, "licence_version": 4}).encode())
    add(f"{alg}: other claims under the signature", f"{h}.{changed}.{s}")
    add(f"{alg}: JSON serialisation", json.dumps({"protected": h, "payload": p, "signature": s}))

def es_parts(m):
    return decode_dss_signature(es.sign(m, ec.ECDSA(hashes.SHA256())))
two = lambda r, s: r.to_bytes(32, "big") + s.to_bytes(32, "big")
add("ES256: the other s, which is as good", jws("ES256", signature=lambda m: two(es_parts(m)[0], 0) if False else (lambda rs: two(rs[0], N - rs[1]))(es_parts(m))), "valid")
add("ES256: DER", jws("ES256", signature=lambda m: encode_dss_signature(*es_parts(m))))
add("ES256: r is 0", jws("ES256", signature=lambda m: two(0, es_parts(m)[1])))
add("ES256: s is 0", jws("ES256", signature=lambda m: two(es_parts(m)[0], 0)))
add("ES256: r is n", jws("ES256", signature=lambda m: two(N, es_parts(m)[1])))
add("ES256: s is n", jws("ES256", signature=lambda m: two(es_parts(m)[0], N)))
add("ES256: r and s are 1", jws("ES256", signature=lambda m: two(1, 1)))
add("ES256: r and s exchanged", jws("ES256", signature=lambda m: two(*reversed(es_parts(m)))))
def beyond(m):
    sig = ed.sign(m)
    return sig[:32] + (int.from_bytes(sig[32:], "little") + L).to_bytes(32, "little")
add("EdDSA: s beyond the order", jws("EdDSA", signature=beyond))
add("EdDSA: R is the identity", jws("EdDSA", signature=lambda m: b"\1" + bytes(63)))
add("EdDSA: halves exchanged", jws("EdDSA", signature=lambda m: ed.sign(m)[32:] + ed.sign(m)[:32]))

# --- COSE
B45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
def base45(data):
    out = ""
    for i in range(0, len(data), 2):
        n = int.from_bytes(data[i:i + 2], "big")
        for _ in range(3 if i + 1 < len(data) else 2):
            out += B45[n % 45]
            n //= 45
    return out
def paper(message, level=9):
    return "PV1:" + base45(zlib.compress(message, level))
place = claims["status"]
cwt_claims = {1: claims["iss"], 2: claims["sub"], 4: claims["exp"], 6: claims["iat"], 65535: place,
              -70001: claims["licence"], -70002: 3}
COSE_ALG = {"EdDSA": -8, "ES256": -7}
def sign1(alg, payload=None, protected=None, unprotected=None, signature=None, tag=18, context="Signature1"):
    payload = dumps(cwt_claims) if payload is None else payload
    prot = protected if protected is not None else {1: COSE_ALG[alg], 4: JWK[alg][1]}
    prot = prot if isinstance(prot, bytes) else dumps(prot)
    signed = dumps([context, prot, b"", payload])
    sig = signature(signed) if signature else raw_sign(alg, signed)
    message = [prot, unprotected or {}, payload, sig]
    return dumps(CBORTag(tag, message) if tag else message)

for alg in ("EdDSA", "ES256"):
    add(f"paper made with cbor2, {alg}", paper(sign1(alg)), "valid")
    message = sign1(alg)
    good = paper(message)
    add(f"paper {alg}: no tag", paper(sign1(alg, tag=None)))
    add(f"paper {alg}: the tag of a MAC", paper(sign1(alg, tag=17)))
    add(f"paper {alg}: CWT tag around it", paper(b"\xd8\x3d" + message))
    add(f"paper {alg}: for another structure", paper(sign1(alg, context="Signature")))
    add(f"paper {alg}: key not protected", paper(sign1(alg, protected={1: COSE_ALG[alg]}, unprotected={4: JWK[alg][1]})))
    add(f"paper {alg}: algorithm not protected", paper(sign1(alg, protected={4: JWK[alg][1]}, unprotected={1: COSE_ALG[alg]})))
    add(f"paper {alg}: something not protected beside", paper(sign1(alg, unprotected={3: 60})))
    add(f"paper {alg}: nothing protected", paper(sign1(alg, protected=b"")))
    add(f"paper {alg}: a critical extension", paper(sign1(alg, protected={1: COSE_ALG[alg], 2: [99], 4: JWK[alg][1], 99: 1})))
    add(f"paper {alg}: the other algorithm", paper(sign1(alg, protected={1: -15 - COSE_ALG[alg], 4: JWK[alg][1]})))
    add(f"paper {alg}: a list longer than written", paper(message.replace(b"\xd2\x84", b"\xd2\x98\x04", 1)))
    add(f"paper {alg}: a list without a length", paper(message.replace(b"\xd2\x84", b"\xd2\x9f", 1) + b"\xff"))
    add(f"paper {alg}: a byte behind the message", paper(message + b"\0"))
    add(f"paper {alg}: no signature", paper(sign1(alg, signature=lambda m: b"")))
    add(f"paper {alg}: signature of zeros", paper(sign1(alg, signature=lambda m: bytes(64))))
    add(f"paper {alg}: payload elsewhere", paper(dumps(CBORTag(18, [dumps({1: COSE_ALG[alg], 4: JWK[alg][1]}), {}, None, raw_sign(alg, dumps(["Signature1", dumps({1: COSE_ALG[alg], 4: JWK[alg][1]}), b"", dumps(cwt_claims)]))]))))
    add(f"paper {alg}: another level of compression", paper(message, 1))
    add(f"paper {alg}: not compressed", "PV1:" + base45(message))
    add(f"paper {alg}: a byte behind the compression", "PV1:" + base45(zlib.compress(message, 9) + b"\0"))
    add(f"paper {alg}: a bomb", "PV1:" + base45(zlib.compress(message + bytes(3_000_000), 9)))
    add(f"paper {alg}: no mark", good[4:])
    add(f"paper {alg}: the mark of a health certificate", "HC1:" + good[4:])
    add(f"paper {alg}: small letters", good.lower())
    claims_twice = dumps(cwt_claims)
    claims_twice = bytes([claims_twice[0] + 1]) + claims_twice[1:] + dumps(2) + dumps("FR-EXP-2026-000999")
    add(f"paper {alg}: a claim stands twice", paper(sign1(alg, payload=claims_twice)))
    add(f"paper {alg}: something behind the claims", paper(sign1(alg, payload=dumps(cwt_claims) + b"\0")))
    add(f"paper {alg}: claims are a list", paper(sign1(alg, payload=dumps([1]))))
    add(f"paper {alg}: number as text", paper(sign1(alg, payload=dumps({**cwt_claims, -70002: "3"}))))
add("paper ES256: DER", paper(sign1("ES256", signature=lambda m: es.sign(m, ec.ECDSA(hashes.SHA256())))))
add("empty", "")
add("not a credential", "hello")

made = json.load(open(sys.argv[2])) if len(sys.argv) > 2 else {}
document = {"jwks": {"keys": [JWK["EdDSA"][0], JWK["ES256"][0]]}, "claims": claims, "made": made, "vectors": vectors}
json.dump(document, open(sys.argv[1], "w"), indent=1, ensure_ascii=False)
print(len(vectors), "vectors")
