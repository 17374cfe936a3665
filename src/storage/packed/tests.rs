//! What is packed comes back to the byte, what does not unpack is named, and dictionaries stay as they are.
use super::*;
use proptest::prelude::*;

const ENTRY: &str = r#"{"v":1,"kind":"verification","at":"2026-11-26T05:25:49.068769Z","nonce":"e7acafae59021243782e8525d0a3550b","verification":"01a21651-2f8c-7d83-ad6b-675470bb0703","reference":{"type":"mrn","value":"26FR000000001435A6"},"movement":"export","border_post":"FRLEH","actor":{"state":"FR","role":"officer","subject_sha256":"uTDVm_ScwU3kUTBvGBtMktkh2FZN7oqzF5tT_j575xk"},"states":["FR","KE"],"declaration_sha256":"iOe4yeT1UCyMcniKiXjnQKS9JY19Jb-mNUh_LF-BUuI","facts_sha256":"ZvInf7t5zPKBIbLoH1v9U9Lup9BsxUhUSE7W4tC8qSI","reply_sha256":"pWUReOMJTPXt7XYCSTgB0ah4Mba9TpDbewFk5ECTEak","licences":[{"number":"FR-E-00002812","version":1},{"number":"KE-I-00002812","version":1}],"ruleset":"unfp@1","profile":"EU-258","lists":"21a5c6af7c782b58","reference_date":"2026-11-26","data_age_ms":97,"verdict":"clear"}"#;

fn row() -> String {
    "row 7".to_owned()
}

fn why(packed: &[u8]) -> String {
    match unpack(packed, &row) {
        Err(Error::Corrupt(words)) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_takes_little_more_than_half_and_comes_back_to_the_byte() {
    let Packed(packed) = Packed::bytes(ENTRY.as_bytes(), Dictionary::Entry).unwrap();
    assert!(packed.len() * 100 < ENTRY.len() * 60, "{} of {}", packed.len(), ENTRY.len());
    assert_eq!(unpack(&packed, &row).unwrap(), ENTRY.as_bytes());
}

#[test]
fn documents_come_back_as_they_were() {
    let documents = ("{\"a\": 1}", "", "\u{0}\u{1f600}");
    let Packed(packed) = Packed::values(&documents, Dictionary::Record).unwrap();
    let back: (String, String, String) = unpack_values(&packed, &row).unwrap();
    assert_eq!((back.0.as_str(), back.1.as_str(), back.2.as_str()), documents);
}

/// What lies in databases must be readable for as long as they last: if one of these fails, a
/// dictionary was changed where a further one was wanted.
#[test]
fn what_was_packed_before_unpacks() {
    use sha2::Digest;
    let digest = |of: Dictionary| crate::audit::entry::hex(&sha2::Sha256::digest(of.words()));
    expect_test::expect!["a792262e82bed8d1d5640e7347f03f35b95f9ee807e91df4831c88520e2a5ede"]
        .assert_eq(&digest(Dictionary::Entry));
    expect_test::expect!["ce416fbe442b87f26289b731d6397e331a22d19f0854598a9037c47f801c1ef1"]
        .assert_eq(&digest(Dictionary::Record));
}

#[test]
fn what_does_not_unpack_is_named() {
    let Packed(packed) = Packed::bytes(ENTRY.as_bytes(), Dictionary::Entry).unwrap();
    assert_eq!(why(&[]), "row 7: its bytes do not unpack: they are too few");
    assert_eq!(why(&packed[..4]), "row 7: its bytes do not unpack: they are too few");
    let altered = |place: usize, byte: u8| {
        let mut altered = packed.clone();
        altered[place] = byte;
        altered
    };
    assert!(why(&altered(0, 9)).ends_with("no such dictionary"));
    assert!(why(&altered(4, 255)).ends_with("too great a length"));
    assert!(why(&altered(1, packed[1] + 1)).ends_with("another length"));
    why(&packed[..packed.len() - 1]);
    let as_documents = unpack_values::<(String, String, String)>(&packed, &row);
    assert!(matches!(as_documents, Err(Error::Corrupt(words)) if words.starts_with("row 7: ")));
}

proptest! {
    #[test]
    fn any_bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..3000), entry in any::<bool>()) {
        let dictionary = if entry { Dictionary::Entry } else { Dictionary::Record };
        let Packed(packed) = Packed::bytes(&bytes, dictionary).unwrap();
        prop_assert_eq!(unpack(&packed, &row).unwrap(), bytes);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = bytes;
        if let Some(number) = bytes.first_mut() {
            *number = *number % 2 + 1;
        }
        for byte in bytes.iter_mut().skip(3).take(2) {
            *byte = 0;
        }
        drop(unpack(&bytes, &row));
        drop(unpack_values::<(String, String, String)>(&bytes, &row));
    }
}
