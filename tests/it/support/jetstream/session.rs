//! One client: reads its request, decides on the answer, and begins the stream.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Shared;
use super::fault::{Fault, Refusal};
use super::filter::Filter;
use super::log::{CursorError, Start};
use super::record::{ConnectionRecord, Version};
use super::request::{self, Request};
use super::stream::{Stream, StreamParams, until_down};

/// A valid request for a stream.
struct Subscription {
    version: Version,
    filter: Filter,
    start: Start,
    is_compressed: bool,
    waits_for_hello: bool,
}

/// Serves one connection until it ends.
pub(super) async fn serve(mut stream: TcpStream, shared: Arc<Shared>, mut shutdown: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let request = tokio::select! {
        request = Request::read(&mut stream) => request,
        () = until_down(&mut shutdown) => None,
    };
    let Some(request) = request else {
        return;
    };
    let record = Arc::new(Mutex::new(record_of(&request)));
    let (faults, speaks_v2) = {
        let mut state = shared.state();
        state.connections.push(Arc::clone(&record));
        // Requests to other paths must not use up a fault meant for a stream.
        let faults = request.version().map(|_| state.faults.next()).unwrap_or_default();
        (faults, state.speaks_v2)
    };
    let connection = Connection { request, faults, record: Arc::clone(&record), shared, speaks_v2 };
    tokio::select! {
        () = connection.answer(stream, shutdown.clone()) => {}
        // Streams send a close frame themselves; anything before a stream just ends.
        () = ended_before_stream(&record, &mut shutdown) => {}
    }
    record.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
}

/// Waits for the shutdown, and forever if a stream has begun by then.
async fn ended_before_stream(record: &Mutex<ConnectionRecord>, shutdown: &mut watch::Receiver<bool>) {
    until_down(shutdown).await;
    if record.lock().unwrap_or_else(PoisonError::into_inner).status == Some(101) {
        std::future::pending().await
    }
}

fn record_of(request: &Request) -> ConnectionRecord {
    ConnectionRecord {
        query: request.query.clone(),
        headers: request.headers.clone(),
        version: request.version(),
        status: None,
        frames: 0,
        first_seq: None,
        last_seq: None,
        pings: 0,
        pongs: 0,
        client_close: None,
        is_over: false,
    }
}

/// A request with everything that decides its answer.
struct Connection {
    request: Request,
    faults: Vec<Fault>,
    record: Arc<Mutex<ConnectionRecord>>,
    shared: Arc<Shared>,
    speaks_v2: bool,
}

impl Connection {
    async fn answer(self, mut stream: TcpStream, shutdown: watch::Receiver<bool>) {
        for fault in &self.faults {
            match fault {
                Fault::NeverAnswer => return std::future::pending().await,
                Fault::Refuse(refusal) => return self.refuse(refusal.clone(), &mut stream).await,
                _ => {}
            }
        }
        if self.speaks_v2 && self.request.path == "/xrpc/network.bsky.jetstream.getZstdDictionary" {
            return self.send_dictionary(&mut stream).await;
        }
        let subscription = match self.subscribe() {
            Ok(subscription) => subscription,
            Err(refusal) => return self.refuse(refusal, &mut stream).await,
        };
        let Some(head) = self.request.upgrade(subscription.version) else {
            let refusal = Refusal::status(426).header("upgrade", "websocket").body("upgrade to WebSocket\n");
            return self.refuse(refusal, &mut stream).await;
        };
        // Before the client learns of the stream, so that it misses no interruption from then on.
        let interrupts = self.shared.interrupts.subscribe();
        self.answered(101);
        if stream.write_all(head.as_bytes()).await.is_err() {
            return;
        }
        let params = StreamParams {
            version: subscription.version,
            filter: subscription.filter,
            start: subscription.start,
            compression: subscription.is_compressed.then(|| self.shared.options.dictionary.clone()).flatten(),
            waits_for_hello: subscription.waits_for_hello,
            has_seqs: self.speaks_v2,
            faults: self.faults,
            record: self.record,
            shared: self.shared,
        };
        Stream::run(params, stream, self.request.rest, (shutdown, interrupts)).await;
    }

    /// Checks what the client asks for, in the order in which a real host does.
    fn subscribe(&self) -> Result<Subscription, Refusal> {
        match self.request.version() {
            Some(Version::V1) => self.subscribe_v1(),
            Some(Version::V2) if self.speaks_v2 => self.subscribe_v2(),
            _ => Err(Refusal::plain(404, "404 page not found")),
        }
    }

    fn subscribe_v1(&self) -> Result<Subscription, Refusal> {
        let request = &self.request;
        let is_compressed = self.wants_zstd_v1();
        if is_compressed && self.shared.options.dictionary.is_none() {
            return Err(Refusal::plain(400, "this host has no dictionary"));
        }
        let filter = Filter::of_v1(&request.query).map_err(|message| Refusal::plain(400, &message))?;
        let start = self.shared.state().log.start_v1(request.param("cursor"), self.speaks_v2);
        let start = start.map_err(|error| match error {
            CursorError::Invalid(message) | CursorError::TooOld(message) => Refusal::plain(400, &message),
        })?;
        let waits_for_hello = request.param("requireHello") == Some("true");
        Ok(Subscription { version: Version::V1, filter, start, is_compressed, waits_for_hello })
    }

    fn subscribe_v2(&self) -> Result<Subscription, Refusal> {
        let request = &self.request;
        let invalid = |message: &str| Refusal::xrpc(400, "InvalidRequest", message);
        if self.wants_zstd_v1() {
            return Err(invalid(
                "this endpoint compresses with zstdDictionary, not compress or Socket-Encoding",
            ));
        }
        let dictionary = request.param("zstdDictionary").filter(|id| !id.is_empty());
        if let Some(id) = dictionary {
            let id = id.parse::<u32>().ok().filter(|id| *id > 0);
            let id = id.ok_or_else(|| invalid("zstdDictionary must be a positive integer"))?;
            let current = self.shared.options.dictionary.as_ref().map(|dictionary| dictionary.id);
            if current != Some(id) {
                let message =
                    format!("unknown dictionary {id}; the current one is {}", current.unwrap_or_default());
                return Err(Refusal::xrpc(400, "UnknownZstdDictionary", &message));
            }
        }
        let filter = Filter::of_v2(&request.query).map_err(|message| invalid(&message))?;
        let start = self.shared.state().log.start_v2(request.param("cursor"));
        let start = start.map_err(|error| match error {
            CursorError::Invalid(message) => invalid(&message),
            CursorError::TooOld(message) => Refusal::xrpc(400, "CursorTooOld", &message),
        })?;
        let is_compressed = dictionary.is_some();
        Ok(Subscription { version: Version::V2, filter, start, is_compressed, waits_for_hello: false })
    }

    fn wants_zstd_v1(&self) -> bool {
        self.request.param("compress") == Some("true") || self.request.has("socket-encoding", "zstd")
    }

    async fn send_dictionary(&self, stream: &mut TcpStream) {
        let asked = self.request.param("id").map(str::parse::<u32>);
        let dictionary = self.shared.options.dictionary.as_ref();
        let Some(dictionary) = dictionary.filter(|it| asked.is_none_or(|id| id == Ok(it.id))) else {
            let refusal = Refusal::xrpc(400, "DictionaryNotFound", "no such dictionary");
            return self.refuse(refusal, stream).await;
        };
        self.answered(200);
        let headers = [("content-type".to_owned(), "application/octet-stream".to_owned())];
        request::send(stream, 200, &headers, &dictionary.bytes).await;
    }

    async fn refuse(&self, refusal: Refusal, stream: &mut TcpStream) {
        self.answered(refusal.status);
        refusal.complete(self.request.version()).send(stream).await;
    }

    fn answered(&self, status: u16) {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).status = Some(status);
    }
}
