//! A key's life, and that nobody else sees it.
use super::*;
use tempfile::TempDir;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn standings(folder: &Path) -> Vec<(String, Standing)> {
    let ring = KeyRing::open(folder, None).unwrap();
    ring.keys().iter().map(|key| (key.public.kid(), key.standing)).collect()
}

#[test]
fn a_key_waits_signs_verifies_and_is_retired() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("keys");
    assert!(KeyRing::open(&folder, None).unwrap().signer().is_none());
    let first = generate(&folder, Algorithm::EdDsa, &[1; 32], at(1)).unwrap().public;
    let second = generate(&folder, Algorithm::Es256, &[2; 32], at(2)).unwrap().public;
    let (a, b) = (first.kid(), second.kid());
    let now = [(a.clone(), Standing::Signing), (b.clone(), Standing::Waiting)];
    assert_eq!(standings(&folder), now);
    assert!(end(&folder, &a, Standing::Retired, at(3)).unwrap_err().contains("rotate"));
    assert_eq!(rotate(&folder, None, at(3)).unwrap(), b);
    let now = [(a.clone(), Standing::Verifying), (b.clone(), Standing::Signing)];
    assert_eq!(standings(&folder), now);
    let ring = KeyRing::open(&folder, None).unwrap();
    assert_eq!(ring.signer().unwrap().public(), &second);
    end(&folder, &a, Standing::Retired, at(4)).unwrap();
    let text = std::fs::read_to_string(file_of(&folder, &a)).unwrap();
    assert!(!text.contains("secret"), "its secret is gone");
    let published = KeyRing::open(&folder, None).unwrap().published();
    assert!(published.get(first.kid_bytes()).is_some(), "what it signed still verifies");
    end(&folder, &a, Standing::Withdrawn, at(5)).unwrap();
    let published = KeyRing::open(&folder, None).unwrap().published();
    assert!(published.get(first.kid_bytes()).is_none(), "what it signed counts no more");
    assert!(rotate(&folder, None, at(6)).is_err(), "nothing waits");
}

#[test]
fn of_a_key_in_a_token_the_ring_keeps_the_label_and_no_secret() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("keys");
    let public = SoftKey::new(Algorithm::Es256, &[3; 32]).unwrap().public().clone();
    adopt(&folder, &public, "licences-1", at(1)).unwrap();
    assert!(adopt(&folder, &public, "licences-1", at(2)).unwrap_err().contains("already"));
    let text = std::fs::read_to_string(file_of(&folder, &public.kid())).unwrap();
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(label(&folder, &public.kid()).unwrap().as_deref(), Some("licences-1"));
    let ring = KeyRing::open(&folder, None).unwrap();
    let said = ring.signer().unwrap().sign(b"x").unwrap_err().to_string();
    assert!(said.contains("licences-1") && said.contains("pkcs11.module"), "{said}");
    generate(&folder, Algorithm::EdDsa, &[4; 32], at(2)).unwrap();
    rotate(&folder, None, at(3)).unwrap();
    end(&folder, &public.kid(), Standing::Retired, at(4)).unwrap();
    assert_eq!(label(&folder, &public.kid()).unwrap(), None);
}

#[test]
fn keys_are_kept_from_others_and_never_told() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("keys");
    let key = generate(&folder, Algorithm::EdDsa, &[1; 32], at(1)).unwrap();
    let file = file_of(&folder, &key.public.kid());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
    let secret = URL_SAFE_NO_PAD.encode([1; 32]);
    assert!(!format!("{:?}", KeyRing::open(&folder, None).unwrap()).contains(&secret));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(KeyRing::open(&folder, None).unwrap_err().contains("644"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let broken = std::fs::read_to_string(&file).unwrap().replace("\"signing\"", "\"nothing\"");
    std::fs::write(&file, broken).unwrap();
    let said = KeyRing::open(&folder, None).unwrap_err();
    assert!(said.contains("does not read") && !said.contains(&secret), "{said}");
}
