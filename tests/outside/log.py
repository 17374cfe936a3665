"""Checks inclusion proofs with sigstore-python: from standard input, one JSON object a line, answered by `good` or
`bad`. The checkpoint's signature, its root and the proof are checked by sigstore's own code."""
import base64
import hashlib
import json
import sys
from types import SimpleNamespace as Object

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint, verify_checkpoint
from sigstore._internal.trust import Key, Keyring
from sigstore._utils import KeyID

name, _, key = sys.argv[1].split("+", 2)
encoded = base64.b64decode(key)
public = Ed25519PublicKey.from_public_bytes(encoded[1:])
# A log's key goes by the digest of its name and itself (C2SP signed-note).
key_id = KeyID(hashlib.sha256(name.encode() + b"\n" + encoded).digest())
known = Key.__new__(Key)
known.hash_algorithm, known.key, known.key_id = None, public, key_id
keyring = Keyring([])
keyring._keyring[key_id] = known

for line in sys.stdin:
    try:
        check = json.loads(line)
        signed = SignedCheckpoint.from_text(check["checkpoint"])
        proof = Object(
            log_index=check["index"],
            tree_size=signed.checkpoint.log_size,
            hashes=[base64.b64decode(h, validate=True) for h in check["hashes"]],
            root_hash=bytes.fromhex(signed.checkpoint.log_hash),
            checkpoint=Object(envelope=check["checkpoint"]),
        )
        entry = Object(
            _inner=Object(
                inclusion_proof=proof,
                canonicalized_body=base64.b64decode(check["entry"]),
                log_id=Object(key_id=key_id),
            )
        )
        assert signed.checkpoint.origin == name
        verify_checkpoint(keyring, entry)
        verify_merkle_inclusion(entry)
        print("good")
    except Exception as error:
        print("bad", str(error).replace("\n", " "))
