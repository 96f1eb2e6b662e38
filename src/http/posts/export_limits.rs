//! Limits on exports: how many run, how many of them read the database at the same time, and how long a client may
//! stall.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::rt::task::JoinHandle;
use actix_web::{HttpMessage as _, HttpRequest};
use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt, unfold};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::http::error::ApiError;
use crate::models::principal::Principal;
use crate::telemetry::{EXPORTS_OPEN, EXPORTS_REFUSED_TOTAL, EXPORTS_STALLED_TOTAL};
use crate::ws::RawSocket;

/// Number of bytes passed to a connection at once, and thus the minimum that a client must read within the stall
/// timeout.
const CHUNK_BYTES: usize = 16 * 1024;

/// Parameters of [`ExportLimits`].
#[derive(Debug, Clone, Copy)]
pub struct ExportLimitsParams {
    /// Maximum number of concurrent exports.
    pub n_max: usize,
    /// Maximum number of exports that read the database at the same time. The others wait before their next page, so
    /// that list requests get database connections.
    pub n_reading_max: usize,
    /// Maximum time that a client may go without reading.
    pub stall_max: Duration,
}

/// Permits for exports. Clones share them.
#[derive(Clone)]
pub struct ExportLimits {
    permits: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    stall_max: Duration,
    running: Running,
}

/// Exports that are running, by a number of their own: who receives each, and how to end it.
type Running = Arc<Mutex<HashMap<Uuid, (Principal, CancellationToken)>>>;

fn lock(running: &Running) -> MutexGuard<'_, HashMap<Uuid, (Principal, CancellationToken)>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ExportLimits {
    /// Creates the limits with all permits available.
    pub fn new(params: ExportLimitsParams) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(params.n_max)),
            reading: Arc::new(Semaphore::new(params.n_reading_max)),
            stall_max: params.stall_max,
            running: Running::default(),
        }
    }

    /// Returns the principals who receive exports, each once.
    pub fn principals(&self) -> HashSet<Principal> {
        lock(&self.running).values().map(|(principal, _)| *principal).collect()
    }

    /// Breaks off every export whose principal matches. Its client sees that the file is incomplete.
    pub fn end(&self, is_ended: impl Fn(&Principal) -> bool) {
        for (_, ended) in lock(&self.running).values().filter(|(principal, _)| is_ended(principal)) {
            ended.cancel();
        }
    }

    /// Acquires a permit for the response to this request, or rejects the request at once.
    ///
    /// # Errors
    /// `Busy` if no permit is available.
    pub fn acquire(&self, request: &HttpRequest) -> Result<ExportPermit, ApiError> {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            metrics::counter!(EXPORTS_REFUSED_TOTAL).increment(1);
            return Err(ApiError::Busy { what: "too many exports are running" });
        };
        let (number, ended) = (Uuid::now_v7(), CancellationToken::new());
        if let Some(principal) = request.extensions().get::<Principal>() {
            lock(&self.running).insert(number, (*principal, ended.clone()));
        }
        let open = OpenExport { _permit: permit, number, running: Arc::clone(&self.running) };
        metrics::gauge!(EXPORTS_OPEN).increment(1);
        let (socket, reading) = (RawSocket::of(request), Arc::clone(&self.reading));
        Ok(ExportPermit { open, socket, reading, stall_max: self.stall_max, ended })
    }
}

/// Permit held by an open export. Dropping it also decrements the metric for open exports.
struct OpenExport {
    _permit: OwnedSemaphorePermit,
    number: Uuid,
    running: Running,
}

impl Drop for OpenExport {
    fn drop(&mut self) {
        metrics::gauge!(EXPORTS_OPEN).decrement(1);
        lock(&self.running).remove(&self.number);
    }
}

/// Permit to run one export.
pub struct ExportPermit {
    open: OpenExport,
    socket: Option<RawSocket>,
    reading: Arc<Semaphore>,
    stall_max: Duration,
    ended: CancellationToken,
}

impl ExportPermit {
    /// Returns the pages, each of which waits for a permit to read the database.
    pub fn in_turn<'a, T: Send + 'a>(&self, pages: impl Stream<Item = T> + Send + 'a) -> BoxStream<'a, T> {
        let reading = Arc::clone(&self.reading);
        unfold((pages.boxed(), reading), |(mut pages, reading)| async move {
            // The semaphore is never closed; even if it were, reading without a permit would be harmless.
            let turn = Arc::clone(&reading).acquire_owned().await.ok();
            let page = pages.next().await;
            drop(turn);
            Some((page?, (pages, reading)))
        })
        .fuse()
        .boxed()
    }

    /// Returns a body that holds the permit until it ends. A client that reads nothing for too long, or that may no longer
    /// read, is disconnected by a separate task, because a body is not polled while its connection is blocked.
    pub fn hold<S>(self, body: S) -> ExportBody
    where
        S: Stream<Item = Result<Bytes, ApiError>> + 'static,
    {
        let idle_since: Rc<Cell<Option<Instant>>> = Rc::default();
        let watching = watch(Rc::clone(&idle_since), self.socket, (self.stall_max, self.ended));
        // unsupervised: ends with the body that it watches, which aborts it
        let watch = actix_web::rt::spawn(watching);
        ExportBody { body: Box::pin(body), rest: Bytes::new(), idle_since, watch, _open: self.open }
    }
}

/// Aborts the connection once it has been idle for too long, or the principal's access has ended. Runs on the
/// connection's thread and is cancelled together with the body, so the connection is always open while this runs.
async fn watch(
    idle_since: Rc<Cell<Option<Instant>>>,
    socket: Option<RawSocket>,
    (stall_max, ended): (Duration, CancellationToken),
) {
    let stalled = async {
        loop {
            let idle = idle_since.get().map(|since| since.elapsed()).unwrap_or_default();
            let Some(left) = stall_max.checked_sub(idle).filter(|left| !left.is_zero()) else {
                return;
            };
            tokio::time::sleep(left).await;
        }
    };
    tokio::select! {
        () = stalled => {
            metrics::counter!(EXPORTS_STALLED_TOTAL).increment(1);
            tracing::info!(seconds = stall_max.as_secs(), "aborting an export whose client reads nothing");
        }
        () = ended.cancelled() => tracing::info!("aborting an export of somebody whose access has ended"),
    }
    if let Some(socket) = socket {
        socket.abort();
    }
}

/// Body of an export, which holds the export's permit.
pub struct ExportBody {
    body: Pin<Box<dyn Stream<Item = Result<Bytes, ApiError>>>>,
    rest: Bytes,
    /// Time at which the client was passed a chunk that it has not read yet; `None` while the database is being read.
    idle_since: Rc<Cell<Option<Instant>>>,
    watch: JoinHandle<()>,
    _open: OpenExport,
}

impl Stream for ExportBody {
    type Item = Result<Bytes, ApiError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.idle_since.set(None);
        while this.rest.is_empty() {
            match this.body.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => this.rest = bytes,
                other => return other,
            }
        }
        let chunk = this.rest.split_to(this.rest.len().min(CHUNK_BYTES));
        this.idle_since.set(Some(Instant::now()));
        Poll::Ready(Some(Ok(chunk)))
    }
}

impl Drop for ExportBody {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
