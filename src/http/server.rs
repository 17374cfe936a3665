//! The two listeners: the API, and operations. The same application is built for the service and
//! for the tests.
use super::configure;
use super::console;
use super::credentials;
use super::operations;
use super::problem::not_found;
use super::request_log;
use super::request_log::Metrics;
use super::witness;
use crate::app::App;
use crate::config::Config;
use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::time::Duration;

/// Connections at once of those who run the service.
const OPERATIONS_CONNECTIONS_MAX: usize = 256;

/// A service that listens.
pub struct Server {
    /// Where the API is.
    pub api: SocketAddr,
    /// Where operations are.
    pub operations: SocketAddr,
    listeners: (TcpListener, TcpListener),
    tls: Option<rustls::ServerConfig>,
    app: web::Data<App>,
}

/// Stops a running service: no new connections, requests in flight are finished.
#[derive(Clone)]
pub struct Stop {
    handles: Vec<ServerHandle>,
    app: web::Data<App>,
}

impl Stop {
    /// Stops it, and comes back once the last request is answered.
    pub async fn stop(&self) {
        // Streams have no end of their own; their readers go on at another node.
        self.app.streams.stop();
        futures_util::future::join_all(self.handles.iter().map(|handle| handle.stop(true))).await;
    }
}

impl Server {
    /// Takes the two addresses, where port 0 takes a free one, and reads the certificate: what listens is told
    /// to others, and must then be able to serve.
    pub fn bind(app: web::Data<App>) -> io::Result<Self> {
        let http = &app.config.http;
        let tls = app.config.tls().then(|| tls(&app.config)).transpose()?;
        let (api, operations) = (listener(http.listen)?, listener(http.ops_listen)?);
        Ok(Self {
            api: api.local_addr()?,
            operations: operations.local_addr()?,
            listeners: (api, operations),
            tls,
            app,
        })
    }

    /// Starts to serve; gives what ends when both listeners have stopped, and how to stop them.
    pub fn start(self) -> io::Result<(impl Future<Output = io::Result<()>>, Stop)> {
        let (app, config) = (self.app.clone(), self.app.config.clone());
        let metrics = Metrics::new(&app.registry).map_err(io::Error::other)?;
        let metrics = web::Data::new(metrics);
        let api = HttpServer::new(move || {
            actix_web::App::new()
                .app_data(app.clone())
                .app_data(metrics.clone())
                .wrap(from_fn(request_log::around))
                .configure(configure)
                .configure(|service| console::configure(&app, service))
                .configure(operations::open)
                .configure(credentials::open)
                .configure(witness::open)
                .default_service(web::to(not_found))
        });
        let http = &config.http;
        let workers = workers(http);
        let api = api
            .disable_signals()
            .workers(workers)
            // The framework counts for each of its threads.
            .max_connections(http.connections_max.div_ceil(workers))
            .client_request_timeout(Duration::from_secs(http.head_timeout_s))
            .keep_alive(Duration::from_secs(http.keep_alive_s))
            // Who hangs up is gone at once, and so is the place of the stream that it read.
            .h1_allow_half_closed(false)
            .shutdown_timeout(http.shutdown_s);
        let (api_listener, operations_listener) = self.listeners;
        let api = match self.tls {
            Some(tls) => api.listen_rustls_0_23(api_listener, tls)?,
            None => api.listen(api_listener)?,
        };
        let api = api.run();
        let (app, stop) = (self.app.clone(), self.app);
        let inside = HttpServer::new(move || {
            actix_web::App::new()
                .app_data(app.clone())
                .wrap(from_fn(request_log::around))
                .configure(operations::inside)
                .configure(operations::open)
                .default_service(web::to(not_found))
        });
        let inside = inside
            .disable_signals()
            .workers(1)
            .max_connections(OPERATIONS_CONNECTIONS_MAX)
            .client_request_timeout(Duration::from_secs(http.head_timeout_s))
            .keep_alive(Duration::from_secs(http.keep_alive_s))
            .shutdown_timeout(http.shutdown_s)
            .listen(operations_listener)?
            .run();
        let stop = Stop { handles: vec![api.handle(), inside.handle()], app: stop };
        let both = async {
            let (api, inside) = futures_util::future::join(api, inside).await;
            api.and(inside)
        };
        Ok((both, stop))
    }
}

/// Threads that serve: as many as configured, or one a processor.
fn workers(http: &crate::config::Http) -> usize {
    match http.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .map_err(|error| io::Error::other(format!("{address}: {error}")))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn tls(config: &Config) -> io::Result<rustls::ServerConfig> {
    // A second installation finds the first one in place, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let failed = |file: &std::path::Path, error: &dyn std::fmt::Display| {
        io::Error::other(format!("{}: {error}", file.display()))
    };
    let (cert_file, key_file) = (&config.http.tls_cert_file, &config.http.tls_key_file);
    let chain =
        CertificateDer::pem_file_iter(cert_file).map_err(|error| failed(cert_file, &error))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| failed(cert_file, &error))?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| failed(key_file, &error))?;
    rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| failed(cert_file, &error))
}
