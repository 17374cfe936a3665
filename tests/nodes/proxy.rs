//! A TCP proxy of the tests' own in front of a server, which can be cut, stalled and restored.
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;
use std::time::Duration;

const OPEN: u8 = 0;
const STALLED: u8 = 1;
const CUT: u8 = 2;
const ENDED: u8 = 3;

/// A proxy.
pub struct Proxy {
    pub port: u16,
    mode: Arc<AtomicU8>,
}

impl Proxy {
    /// A proxy in front of a port of this machine.
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let mode = Arc::new(AtomicU8::new(OPEN));
        let shared = Arc::clone(&mode);
        std::thread::spawn(move || accept(&listener, port, &shared));
        Self { port: own, mode }
    }

    /// Closes every connection, and every further one at once.
    pub fn cut(&self) {
        self.mode.store(CUT, Ordering::SeqCst);
    }

    /// Takes connections and bytes, and passes nothing on.
    pub fn stall(&self) {
        self.mode.store(STALLED, Ordering::SeqCst);
    }

    /// Passes everything on again.
    pub fn restore(&self) {
        self.mode.store(OPEN, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.mode.store(ENDED, Ordering::SeqCst);
    }
}

fn accept(listener: &TcpListener, port: u16, mode: &Arc<AtomicU8>) {
    while mode.load(Ordering::SeqCst) != ENDED {
        match listener.accept() {
            Ok((client, _)) => {
                if mode.load(Ordering::SeqCst) == CUT {
                    continue;
                }
                client.set_nonblocking(false).unwrap();
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let (there, again) = (Arc::clone(mode), Arc::clone(mode));
                std::thread::spawn(move || pump(client, server, &there));
                std::thread::spawn(move || pump(back.0, back.1, &again));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Passes bytes on in one direction.
fn pump(mut from: TcpStream, mut to: TcpStream, mode: &AtomicU8) {
    from.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let mut buffer = [0; 16 * 1024];
    loop {
        match mode.load(Ordering::SeqCst) {
            CUT | ENDED => break,
            STALLED => {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            _ => {}
        }
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                while mode.load(Ordering::SeqCst) == STALLED {
                    std::thread::sleep(Duration::from_millis(5));
                }
                if mode.load(Ordering::SeqCst) != OPEN || to.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
