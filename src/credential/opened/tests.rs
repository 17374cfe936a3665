//! Both envelopes against themselves, against every altered byte and against what is known to slip
//! through careless readers.
use super::*;
use crate::credential::KeySet;
use crate::credential::claims::Place;
use crate::credential::claims::Status;
use crate::signing::SoftKey;
use serde_json::Value;
use serde_json::json;

fn signer(algorithm: Algorithm) -> SoftKey {
    SoftKey::new(algorithm, &[5; 32]).unwrap()
}

fn claims() -> Claims {
    let uri = "https://customs.example/v1/status-lists/0".to_owned();
    Claims {
        iss: "https://customs.example".to_owned(),
        sub: "FR-EXP-2026-000412".to_owned(),
        iat: 1_790_000_000,
        exp: Some(1_822_262_400),
        status: Status { status_list: Place { idx: 412, uri } },
        licence_version: 3,
        licence: json!({"number": "FR-EXP-2026-000412", "kind": "export", "issuing_state": "FR",
            "lines": [{"line": 1, "quantity": "50", "unit": "C62", "serials": ["VC000101", "VC000102"]}]}),
    }
}

fn both(signer: &SoftKey) -> [String; 2] {
    [sign_jws(&claims(), signer).unwrap(), sign_paper(&claims(), signer).unwrap()]
}

/// Whether a text is a credential that a key has signed.
fn passes(text: &str, key: &PublicKey) -> bool {
    Opened::read(text).is_ok_and(|opened| opened.is_signed_by(key))
}

/// Whether an altered text is refused. Deflate can write the same bytes in more than one way: on paper it
/// may also be the very same signed message, in other words of the compression.
fn is_noticed(altered: &str, sound: &str, key: &PublicKey) -> bool {
    let Ok(opened) = Opened::read(altered) else { return true };
    if !opened.is_signed_by(key) {
        return true;
    }
    match (&opened.envelope, Opened::read(sound).unwrap().envelope) {
        (Envelope::Paper(one), Envelope::Paper(other)) => one.payload == other.payload,
        _ => false,
    }
}

#[test]
fn both_envelopes_carry_the_same_claims() {
    for algorithm in Algorithm::ALL {
        let signer = signer(algorithm);
        for text in both(&signer) {
            let opened = Opened::read(&text).unwrap();
            assert_eq!(opened.claims(), &claims());
            assert_eq!((opened.algorithm(), opened.kid_text()), (algorithm, signer.public().kid()));
            assert!(opened.is_signed_by(signer.public()), "{}", opened.form());
            let other = SoftKey::new(algorithm, &[6; 32]).unwrap();
            assert!(!opened.is_signed_by(other.public()));
        }
    }
}

#[test]
fn an_altered_byte_is_never_accepted() {
    for algorithm in Algorithm::ALL {
        let signer = signer(algorithm);
        for text in both(&signer) {
            assert!(passes(&text, signer.public()));
            for at in 0..text.len() {
                for other in [b'A', b'B', b'7', b'.', b'=', b' ', b'a', text.as_bytes()[at] ^ 1] {
                    let mut altered = text.clone().into_bytes();
                    if altered[at] == other {
                        continue;
                    }
                    altered[at] = other;
                    let Ok(altered) = String::from_utf8(altered) else { continue };
                    // What stands around a credential is not part of it.
                    if altered.trim() != text {
                        assert!(is_noticed(&altered, &text, signer.public()), "{at}: {altered}");
                    }
                }
            }
            let mut cut = text.clone();
            cut.pop();
            assert!(!passes(&cut, signer.public()));
            assert!(!passes(&format!("{text}A"), signer.public()));
        }
    }
}

#[test]
fn every_altered_byte_of_the_message_on_paper_is_noticed() {
    for algorithm in Algorithm::ALL {
        let signer = signer(algorithm);
        let text = sign_paper(&claims(), &signer).unwrap();
        let packed = base45::decode(text.strip_prefix(cose::MARK).unwrap()).unwrap();
        let again = |packed: &[u8]| format!("{}{}", cose::MARK, base45::encode(packed));
        for at in 0..packed.len() {
            for bit in 0..8 {
                let mut altered = packed.clone();
                altered[at] ^= 1 << bit;
                assert!(!passes(&again(&altered), signer.public()), "byte {at} bit {bit}");
            }
        }
        // The same below the compression.
        let message = crate::credential::zlib::unpack(&packed, 10_000).unwrap();
        for at in 0..message.len() {
            for bit in 0..8 {
                let mut altered = message.clone();
                altered[at] ^= 1 << bit;
                let packed = crate::credential::zlib::pack(&altered).unwrap();
                assert!(!passes(&again(&packed), signer.public()), "byte {at} bit {bit}");
            }
        }
    }
}

/// Vectors made by other implementations, and forms that lenient readers are known to let through.
#[test]
fn vectors_of_others_end_as_they_must() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/data/credentials.json")).unwrap();
    let keys = KeySet::read(vectors["jwks"].to_string().as_bytes()).unwrap();
    let mut seen = (0, 0);
    for vector in vectors["vectors"].as_array().unwrap() {
        let text = vector["credential"].as_str().unwrap();
        let valid = vector["result"] == "valid";
        let passes = Opened::read(text)
            .is_ok_and(|opened| keys.get(opened.kid()).is_some_and(|key| opened.is_signed_by(key)));
        assert_eq!(passes, valid, "{}", vector["comment"]);
        if valid {
            let expected: Claims = serde_json::from_value(vectors["claims"].clone()).unwrap();
            assert_eq!(Opened::read(text).unwrap().claims(), &expected, "{}", vector["comment"]);
            seen.0 += 1;
        } else {
            seen.1 += 1;
        }
    }
    assert!(seen.0 >= 4 && seen.1 >= 30, "{seen:?}");
}

#[test]
fn what_is_made_today_is_what_was_made_before() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/data/credentials.json")).unwrap();
    let claims: Claims = serde_json::from_value(vectors["claims"].clone()).unwrap();
    let made: serde_json::Map<String, Value> = Algorithm::ALL
        .into_iter()
        .map(|algorithm| {
            let signer = signer(algorithm);
            let (jws, paper) = (sign_jws(&claims, &signer), sign_paper(&claims, &signer));
            let made = json!({"jws": jws.unwrap(), "paper": paper.unwrap()});
            (algorithm.as_str().to_owned(), made)
        })
        .collect();
    assert_eq!(Value::Object(made.clone()), vectors["made"], "{}", Value::Object(made));
}

#[test]
fn a_licence_too_large_for_paper_is_not_cut() {
    let serials: Vec<String> =
        (0..2000_u32).map(|n| format!("{:08X}", n.wrapping_mul(2_654_435_761))).collect();
    let mut claims = claims();
    claims.licence["lines"][0]["serials"] = json!(serials);
    let signer = signer(Algorithm::EdDsa);
    assert!(sign_paper(&claims, &signer).unwrap_err().to_string().contains("too large for paper"));
    assert!(sign_jws(&claims, &signer).is_ok());
}
