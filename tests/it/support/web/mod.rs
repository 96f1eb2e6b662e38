//! What the local hosts of networks have in common: HTTP/1.1, streams, faults as verbs, and a log of what was asked.
//!
//! Follows RFC 9112 (messages, keep-alive and the chunked transfer coding) and RFC 6455 (WebSockets). Everything above
//! that, from paths to the format of errors, is told by a `Site`.

mod connection; // one client: requests and their answers
mod fault; // what goes wrong
pub mod plain; // a plain client, for the tests of the hosts themselves
mod reply; // what a site answers
mod request; // what a client asks
mod stream; // an answer without end, and its faults
mod wire; // messages as bytes: frames of a WebSocket, or lines in chunks
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};

pub use fault::{End, Fault};
pub use reply::{Page, Reply, Response};
pub use request::Request;

use fault::Faults;

/// A network's part of a host: its data, and how it answers.
pub trait Site: Send + 'static {
    /// What a client of a stream listens to, and how far it has heard.
    type Stream: Send;

    /// Answers a request.
    fn answer(&mut self, request: &Request) -> Reply<Self::Stream>;

    /// Refuses a request, because a fault says so.
    fn refusal(&self, request: &Request, status: u16, wait_s: Option<u64>) -> Response;

    /// Returns the next message of a stream, if there is one yet.
    fn next_message(&mut self, _stream: &mut Self::Stream) -> Option<String> {
        None
    }

    /// Takes a message of a client. Returns the answer to it.
    fn hear(&mut self, _stream: &mut Self::Stream, _message: &str) -> Option<String> {
        None
    }

    /// Notes that a stream has ended.
    fn ended(&mut self, _stream: &mut Self::Stream) {}

    /// Returns the last message of a stream that fails.
    fn failure(&self) -> String {
        String::new()
    }
}

/// Host of a network on loopback. Dropping it cuts all connections.
pub struct WebHost<S: Site> {
    address: SocketAddr,
    shared: Arc<Shared<S>>,
    listening: JoinHandle<()>,
}

/// What the host and its connections share.
struct Shared<S> {
    state: Mutex<State<S>>,
    /// Changes whenever there may be more to send.
    changed: watch::Sender<()>,
    ends: broadcast::Sender<End>,
}

/// All that changes, behind one lock that is never held across an `await`.
struct State<S> {
    site: S,
    faults: Faults,
    requests: Vec<Request>,
    /// Number of open TCP connections.
    n_open: usize,
    ping_every: Duration,
}

impl<S> Shared<S> {
    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Site> WebHost<S> {
    /// Starts a host on a free port. The site is made when its address is known.
    pub async fn start(ping_every: Duration, site: impl FnOnce(SocketAddr) -> S) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            site: site(address),
            faults: Faults::default(),
            requests: Vec::new(),
            n_open: 0,
            ping_every,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
            ends: broadcast::Sender::new(16),
        });
        let listening = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, listening }
    }

    /// Returns the address as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks at the site, or changes it, and wakes all streams.
    pub fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let result = change(&mut self.shared.state().site);
        self.shared.changed.send_replace(());
        result
    }

    /// Makes something go wrong with the next request whose path starts so and that nothing goes wrong with yet.
    pub fn fault(&self, path: &'static str, fault: Fault) {
        self.shared.state().faults.push(path, fault);
    }

    /// Makes something go wrong with every request whose path starts so, or with none.
    pub fn keep_fault(&self, path: &'static str, fault: Option<Fault>) {
        self.shared.state().faults.keep(path, fault);
    }

    /// Returns the number of faults that wait for their request.
    pub fn n_faults_left(&self) -> usize {
        self.shared.state().faults.len()
    }

    /// Ends all open streams.
    pub fn disconnect(&self, end: End) {
        let _ = self.shared.ends.send(end);
    }

    /// Returns the requests so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// Returns the number of open connections, whether or not anything is sent on them.
    pub fn n_open(&self) -> usize {
        self.shared.state().n_open
    }
}

impl<S: Site> Drop for WebHost<S> {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn accept<S: Site>(listener: TcpListener, shared: Arc<Shared<S>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(connection::serve(stream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
