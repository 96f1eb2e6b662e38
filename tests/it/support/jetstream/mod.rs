//! A Jetstream host on loopback, with faults as verbs.
//!
//! Follows the public description of the protocol, not any client. In the repository `bluesky-social/jetstream`:
//! - v2 (`/xrpc/network.bsky.jetstream.subscribeEvents`): `lexicons/network/bsky/jetstream/subscribeEvents.json`,
//!   `lexicons/network/bsky/jetstream/getZstdDictionary.json`, the contracts stated in `internal/subscribe/doc.go`, and
//!   the order of checks, close codes and status codes of `internal/subscribe/handler.go` and `filterv2.go`;
//! - v1 (`/subscribe`): `README.md` of the first release, with the examples of events, options updates and heartbeats.
//!
//! `com.atproto.sync.subscribeRepos` describes the objects inside identity, account and sync events, and atproto proposal
//! 0015 the frames of `xrpc.v1.json`.

mod dictionary; // what frames are compressed with
mod encode; // events as frames of v1 and v2
mod event; // what happens on the network
mod fault; // what goes wrong
mod filter; // which events a client asked for
mod log; // events in order of `seq`, and where a cursor points
mod record; // what a test can ask about a connection
mod request; // HTTP, up to the upgrade
mod session; // one client: the answer to its request
mod stream; // one client: the stream that follows
mod outbox; // one client: the frames of the stream, and their faults

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

pub use dictionary::Dictionary;
pub use event::HostEvent;
pub use fault::{Disconnect, Fault, Notice, Refusal, Silence, frames};
pub use record::{ConnectionRecord, Version};

use fault::FaultQueue;
use log::Log;

/// How long a graceful stop waits for clients to answer the close frame. Clients on loopback answer in milliseconds.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How a host behaves from the start.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// Whether the v2 endpoints exist. Without them the host answers 404 there, as a host of the first release does.
    pub speaks_v2: bool,
    /// The `seq` of the first event. Everything below counts as forgotten.
    pub first_seq: u64,
    /// The pause between pings. Real hosts ping every 30 seconds.
    pub ping_every: Duration,
    /// The size of the kernel's send buffer in bytes. A small one lets a client that stops reading stall the host sooner.
    /// Not below 256 KiB, or the client's kernel delays acknowledgements and the stream crawls.
    pub send_buffer: Option<u32>,
    /// How long a client may leave a write waiting before the host ends the TCP connection; none is forever. Real hosts
    /// wait 5 seconds.
    pub write_timeout: Option<Duration>,
    /// The dictionary that clients may ask frames to be compressed with.
    pub dictionary: Option<Dictionary>,
}

impl Default for HostOptions {
    fn default() -> Self {
        let ping_every = Duration::from_secs(30);
        Self {
            speaks_v2: true,
            first_seq: 1,
            ping_every,
            send_buffer: None,
            write_timeout: None,
            dictionary: None,
        }
    }
}

/// A Jetstream host. Dropping it cuts all connections; `stop` says goodbye first.
pub struct JetstreamHost {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<Listening>,
}

/// What the host and its sessions share.
struct Shared {
    options: HostOptions,
    state: Mutex<State>,
    /// Changes whenever there may be more to send: an event, or the end of a silence.
    changed: watch::Sender<()>,
    interrupts: broadcast::Sender<Disconnect>,
}

/// All that changes, behind one lock that is never held across an `await`.
struct State {
    log: Log,
    faults: FaultQueue,
    silence: Silence,
    speaks_v2: bool,
    connections: Vec<Arc<Mutex<ConnectionRecord>>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that accepts connections and, with it, all sessions.
struct Listening {
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl JetstreamHost {
    /// Starts a host on a free port.
    pub async fn start(options: HostOptions) -> Self {
        let state = State {
            log: Log::starting_at(options.first_seq),
            faults: FaultQueue::default(),
            silence: Silence::Off,
            speaks_v2: options.speaks_v2,
            connections: Vec::new(),
        };
        let shared = Arc::new(Shared {
            options,
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
            interrupts: broadcast::Sender::new(16),
        });
        let mut host = Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), shared, listening: None };
        host.come_back().await;
        host
    }

    /// The address as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Appends an event and wakes every subscriber. Returns its `seq`.
    pub fn append(&self, event: HostEvent) -> u64 {
        let seq = self.shared.state().log.append(event);
        self.shared.changed.send_replace(());
        seq
    }

    /// Appends events under one lock, so that no subscriber sees only some of them. Returns the `seq` of the last one.
    pub fn append_many(&self, events: impl IntoIterator<Item = HostEvent>) -> u64 {
        let mut state = self.shared.state();
        for event in events {
            state.log.append(event);
        }
        let last = state.log.next_seq() - 1;
        drop(state);
        self.shared.changed.send_replace(());
        last
    }

    /// Skips `n` numbers, as a real archive may.
    pub fn skip_seqs(&self, n: u64) {
        self.shared.state().log.skip(n);
    }

    /// The `seq` of the next event.
    pub fn next_seq(&self) -> u64 {
        self.shared.state().log.next_seq()
    }

    /// Forgets the events below `seq`. Cursors below it are then `CursorTooOld` in v2 and clamped in v1.
    pub fn forget_before(&self, seq: u64) {
        self.shared.state().log.forget_before(seq);
    }

    /// Queues a fault for one connection: the next to a subscription endpoint that no earlier fault waits for.
    pub fn set_fault(&self, fault: Fault) {
        self.set_faults([fault]);
    }

    /// Queues several faults for one connection.
    pub fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().faults.push(faults.into_iter().collect());
    }

    /// Applies faults to every new connection for which none are queued, until `clear_faults`.
    pub fn keep_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().faults.keep(faults.into_iter().collect());
    }

    /// Removes queued and lasting faults. Open connections keep theirs.
    pub fn clear_faults(&self) {
        self.shared.state().faults = FaultQueue::default();
    }

    /// The number of connections that queued faults still wait for.
    pub fn faults_left(&self) -> usize {
        self.shared.state().faults.len()
    }

    /// Ends all open streams in the given way. New connections are unaffected.
    pub fn disconnect(&self, how: Disconnect) {
        let _ = self.shared.interrupts.send(how);
    }

    /// Holds back events, and more, on all connections until `Silence::Off`. No event is lost.
    pub fn silence(&self, silence: Silence) {
        self.shared.state().silence = silence;
        self.shared.changed.send_replace(());
    }

    /// Adds or removes the v2 endpoints for new connections.
    pub fn speak_v2(&self, speaks: bool) {
        self.shared.state().speaks_v2 = speaks;
    }

    /// Returns a record of every request in order of arrival, including refused ones.
    pub fn connections(&self) -> Vec<ConnectionRecord> {
        let state = self.shared.state();
        state
            .connections
            .iter()
            .map(|record| record.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }

    /// Stops listening: closes all streams with 1001 and refuses TCP connections until `come_back`. Keeps the log.
    pub async fn go_down(&mut self) {
        let Some(mut listening) = self.listening.take() else {
            return;
        };
        listening.shutdown.send_replace(true);
        let _ = tokio::time::timeout(STOP_PATIENCE, &mut listening.task).await;
    }

    /// Stops abruptly: resets all streams and refuses TCP connections until `come_back`.
    pub async fn crash(&mut self) {
        self.disconnect(Disconnect::Reset);
        self.go_down().await;
    }

    /// Listens again, on the same port.
    pub async fn come_back(&mut self) {
        if self.listening.is_some() {
            return;
        }
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if let Some(bytes) = self.shared.options.send_buffer {
            socket.set_send_buffer_size(bytes).unwrap();
        }
        socket.bind(self.address).unwrap();
        let listener = socket.listen(1024).unwrap();
        self.address = listener.local_addr().unwrap();
        let shutdown = watch::Sender::new(false);
        let task = tokio::spawn(accept(listener, Arc::clone(&self.shared), shutdown.subscribe()));
        self.listening = Some(Listening { shutdown, task });
    }

    /// Stops the host: closes all streams with 1001, as a real one does on shutdown.
    pub async fn stop(mut self) {
        self.go_down().await;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut shutdown: watch::Receiver<bool>) {
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    sessions.spawn(session::serve(stream, Arc::clone(&shared), shutdown.clone()));
                }
            }
            Some(_) = sessions.join_next() => {}
            () = stream::until_down(&mut shutdown) => break,
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}
