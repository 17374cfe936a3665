//! A receiver of webhooks on loopback, over TLS, that fails as often as it is told to, and that checks
//! signatures with a library that the service does not use.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::ED25519;
use ring::signature::UnparsedPublicKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It takes the event and says so.
    Take,
    /// It takes the event, and its answer is lost.
    TakeAndDrop,
    /// It answers with a status, and headers.
    Status(u16, &'static str),
    /// It never answers.
    Hang,
    /// It ends the connection.
    Drop,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Request {
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether one of its signatures is that of the key, over what was sent.
    pub fn is_signed_by(&self, key: &str) -> bool {
        let key = STANDARD.decode(key.trim_start_matches("whpk_")).unwrap();
        let timestamp = &self.headers["webhook-timestamp"];
        let signed = format!("{}.{timestamp}.{}", self.id(), self.body);
        self.headers["webhook-signature"].split(' ').any(|signature| {
            let Some(signature) = signature.strip_prefix("v1a,") else { return false };
            let signature = STANDARD.decode(signature).unwrap();
            UnparsedPublicKey::new(&ED25519, &key).verify(signed.as_bytes(), &signature).is_ok()
        })
    }
}

/// The receiver.
pub struct Receiver {
    pub url: String,
    pub ca_file: PathBuf,
    /// Requests whose event was taken, in their order.
    pub taken: Arc<Mutex<Vec<Request>>>,
    pub requests: Arc<AtomicU64>,
}

impl Receiver {
    /// Starts one on the running runtime; `answer` is told the number of the request.
    pub async fn start(dir: &Path, answer: impl Fn(u64) -> Answer + Send + Sync + 'static) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let ca_file = dir.join("receiver.pem");
        std::fs::write(&ca_file, own.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let tls = ServerConfig::builder().with_no_client_auth();
        let tls = tls.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/hooks", listener.local_addr().unwrap());
        let (taken, requests) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(0)));
        let (shared, count, answer) = (Arc::clone(&taken), Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (acceptor, taken) = (acceptor.clone(), Arc::clone(&shared));
                let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Ok(mut tls) = acceptor.accept(stream).await else { return };
                    while let Some(request) = read(&mut tls).await {
                        let answer = answer(count.fetch_add(1, Ordering::SeqCst));
                        if matches!(answer, Answer::Take | Answer::TakeAndDrop) {
                            taken.lock().unwrap().push(request);
                        }
                        let reply = match answer {
                            Answer::Take => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
                            Answer::Status(status, headers) => {
                                format!(
                                    "HTTP/1.1 {status} No\r\n{headers}Content-Length: 2\r\n\r\nno"
                                )
                            }
                            Answer::Hang => {
                                tokio::time::sleep(Duration::from_mins(1)).await;
                                return;
                            }
                            Answer::Drop | Answer::TakeAndDrop => return,
                        };
                        if tls.write_all(reply.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, ca_file, taken, requests }
    }

    pub fn taken(&self) -> Vec<Request> {
        self.taken.lock().unwrap().clone()
    }
}

async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let headers: HashMap<String, String> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers["content-length"].parse().unwrap();
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head + 4..head + 4 + length].to_vec()).unwrap();
    Some(Request { headers, body })
}
