//! Whom a client believes, over a real TLS connection.
use super::*;
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;
use rustls::pki_types::PrivateKeyDer;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use tempfile::TempDir;

type Certified = rcgen::CertifiedKey<rcgen::KeyPair>;

fn certified() -> Certified {
    rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap()
}

/// Serves so many connections with this certificate; gives the address.
fn serve(certified: &Certified, connections: usize) -> String {
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let chain = vec![certified.cert.der().clone()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/keys", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(session, stream.unwrap());
            // Who does not believe the certificate sends no request.
            if tls.read(&mut [0; 1024]).is_ok() {
                let _ = tls.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            }
        }
    });
    url
}

fn trusting(folder: &TempDir, pem: &str) -> Result<reqwest::Client, String> {
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    client_trusting(&file)
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_in_place_of_the_public_ones() {
    let (folder, own, other) = (TempDir::new().unwrap(), certified(), certified());
    let url = serve(&own, 4);
    let reads = async |client: reqwest::Client| client.get(&url).send().await.is_ok();
    assert!(!reads(client().unwrap()).await, "no public authority vouches for it");
    assert!(!reads(trusting(&folder, &other.cert.pem()).unwrap()).await, "nor another one");
    assert!(reads(trusting(&folder, &own.cert.pem()).unwrap()).await);
    let several = format!("{}{}", other.cert.pem(), own.cert.pem());
    assert!(reads(trusting(&folder, &several).unwrap()).await, "one of several");
}

#[test]
fn a_file_without_authorities_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for bad in ["", "not PEM", cut] {
        let refused = trusting(&folder, bad).unwrap_err();
        assert!(refused.contains("ca.pem: "), "{refused}");
    }
    assert!(client_trusting(&folder.path().join("absent.pem")).unwrap_err().contains("absent.pem"));
}
