//! Many clients and one licence.
use super::harness::*;
use passavant::app::licences::Decision;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_releases_end_at_exactly_zero() {
    let service = Arc::new(start());
    service.issue_sample(200, "multiple").await;
    let clients = (0..16_u32).map(|client| {
        let service = Arc::clone(&service);
        tokio::task::spawn(async move {
            let mut released = 0;
            for n in 0..40_u32 {
                let reference = client * 1000 + n;
                let verification = service.verify(&cartridges(reference, 1)).await;
                let key = format!("key-{reference}");
                let recorded = service.release(&verification, &key).await.unwrap();
                let again = service.release(&verification, &key).await.unwrap();
                assert_eq!(again.reply, recorded.reply);
                released += u32::from(!is_refused(&recorded));
            }
            released
        })
    });
    let mut released = 0;
    for client in clients.collect::<Vec<_>>() {
        released += client.await.unwrap();
    }
    assert_eq!((released, service.rounds().await), (200, (0, 200)));
    super::trail::assert_verifies(Arc::into_inner(service).unwrap());
}

#[tokio::test]
async fn a_single_use_licence_closes_with_its_first_shipment() {
    let service = start();
    service.issue_sample(100, "single").await;
    let first = service.verify(&cartridges(1, 10)).await;
    let second = service.verify(&cartridges(2, 10)).await;
    assert!(!is_refused(&service.release(&first, "first").await.unwrap()));
    let refused = service.release(&second, "second").await.unwrap();
    assert!(
        is_refused(&refused) && refused.reply.contains("SHIPMENT_COUNT_EXCEEDED"),
        "{}",
        refused.reply
    );
    assert_eq!(service.rounds().await, (0, 10), "the remainder is lost");
}

#[tokio::test]
async fn a_revoked_licence_never_releases_whatever_the_cache_holds() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let verification = service.verify(&cartridges(1, 10)).await;
    assert_eq!(verification["verdict"], "clear");
    let authority = authority("FR");
    let revoke = service.app.decide(
        &authority,
        EXPORT.into(),
        Decision::Revocation,
        "theft".into(),
        None,
        None,
    );
    revoke.await.unwrap();
    let refused = service.release(&verification, "key").await.unwrap();
    assert!(is_refused(&refused) && refused.reply.contains("LICENCE_REVOKED"), "{}", refused.reply);
    assert_eq!(
        service.verify(&cartridges(2, 10)).await["verdict"],
        "hold",
        "the cache has been told"
    );
    assert_eq!(service.rounds().await, (100, 0));
}

#[tokio::test]
async fn another_state_s_officer_finds_no_verification() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let verification = service.verify(&cartridges(1, 10)).await;
    let mut foreign = officer();
    foreign.state = passavant::domain::Country::parse("DE").unwrap();
    let id = verification["id"].as_str().unwrap().parse().unwrap();
    let once = passavant::app::recorder::Once {
        caller: foreign.key(),
        key: "k".to_owned(),
        request_sha256: [0; 32],
    };
    let released = service.app.release(&foreign, id, None, once).await;
    assert!(matches!(released, Err(passavant::app::Error::NotFound)));
}
