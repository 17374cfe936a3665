"""Checks a licence with PyJWT and python-cwt, and its status list. Arguments: a folder with jwks.json, issuer,
licence.jwt, licence.txt (paper) and status.jwt. Prints what both said and how many altered ones both refused."""
import base64
import json
import pathlib
import random
import sys
import zlib

import cwt
import jwt

folder = pathlib.Path(sys.argv[1])
read = lambda name: (folder / name).read_text()
jwks, issuer = json.loads(read("jwks.json")), read("issuer")
keys = {key["kid"]: jwt.PyJWK(key) for key in jwks["keys"]}
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def base45(text):
    out = bytearray()
    for at in range(0, len(text), 3):
        piece = text[at : at + 3]
        number = sum(ALPHABET.index(c) * 45**place for place, c in enumerate(piece))
        out += number.to_bytes(len(piece) - 1, "big")
    return bytes(out)


def from_jwt(text, kind="licence+jwt", **expected):
    header = jwt.get_unverified_header(text)
    assert header["typ"] == kind
    key = keys[header["kid"]]
    return jwt.decode(text, key.key, algorithms=[key.algorithm_name], **expected)


def from_paper(text):
    assert text.startswith("PV1:")
    return cwt.decode(zlib.decompress(base45(text[4:])), [cwt.COSEKey.from_jwk(key) for key in jwks["keys"]])


claims = from_jwt(read("licence.jwt"), issuer=issuer)
paper = from_paper(read("licence.txt"))
assert paper[-70001] == claims["licence"] and paper[2] == claims["sub"] and paper[1] == issuer
place = claims["status"]["status_list"]
listed = from_jwt(read("status.jwt"), "statuslist+jwt", subject=place["uri"])
packed = listed["status_list"]["lst"]
entries = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
bits, idx = listed["status_list"]["bits"], place["idx"]
standing = entries[idx * bits // 8] >> (idx * bits % 8) & ((1 << bits) - 1)


def refused(check, text, alphabet, same=None):
    """How many altered texts are refused; deflate may also write the very same message in other words."""
    count = 0
    for _ in range(200):
        at = random.randrange(len(text) - 2)
        other = random.choice([c for c in alphabet if c != text[at]])
        try:
            seen = check(text[:at] + other + text[at + 1 :])
            count += same is not None and seen == same
        except Exception:
            count += 1
    return count


URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
print(
    json.dumps(
        {
            "jwt": claims["sub"],
            "cwt": paper[2],
            "standing": standing,
            "refused": [refused(from_jwt, read("licence.jwt"), URL), refused(from_paper, read("licence.txt"), ALPHABET, paper)],
        }
    )
)
