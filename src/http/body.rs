//! Request bodies: received, decompressed and bounded in memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use bytes::Bytes;
use futures_util::Stream as _;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::body_memory::{BodyMemory, MemoryShare, SMALL_BYTES, Sender, Shortage};
use super::error::ApiError;
use super::inflate::{InflateError, inflate};

/// Maximum time to receive a body. A slower sender would tie up a connection and the memory for everything sent so far.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum number of bytes of a rejected body to read and discard before responding. Clients that are still sending
/// when the connection closes often see a broken connection instead of the response.
const DRAINED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Memory for all request bodies being received or processed, in bytes: enough for four bodies of the maximum size from
/// one sender, and for small ones of others. When it is used up, further senders get 429.
const MEMORY_BYTES: usize = 48 * 1024 * 1024;

/// Initial allocation for a body, in bytes; most bodies fit.
const FIRST_BYTES: usize = 4 * 1024;

/// Memory for the bodies of deliveries, in bytes. It is separate from that for other bodies: their senders are unknown
/// until the signature of the whole body is verified, and must not use up the memory of others.
const DELIVERY_MEMORY_BYTES: usize = 24 * 1024 * 1024;

/// Maximum number of large bodies that are decompressed at the same time. More would only hold more memory for longer,
/// because each needs a processor.
const INFLATING_MAX: usize = 2;

static MEMORY: BodyMemory = BodyMemory::new(MEMORY_BYTES);

static DELIVERY_MEMORY: BodyMemory = BodyMemory::new(DELIVERY_MEMORY_BYTES);

static INFLATING: Semaphore = Semaphore::const_new(INFLATING_MAX);

/// Received request body. Dropping it releases its memory.
#[derive(Debug)]
pub struct Body {
    bytes: Vec<u8>,
    share: MemoryShare,
    /// Bytes of the share that are held by something else than this.
    n_elsewhere: usize,
}

impl Body {
    const fn new(share: MemoryShare) -> Self {
        Self { bytes: Vec::new(), share, n_elsewhere: 0 }
    }

    /// Appends a chunk. Memory grows with the bytes received rather than with the announced length, because announcing
    /// a length costs a sender nothing.
    fn extend(&mut self, chunk: &[u8], limit: usize) -> Result<(), ApiError> {
        let length = self.bytes.len() + chunk.len();
        if length > limit {
            return Err(too_large(limit));
        }
        if length > self.bytes.capacity() {
            let doubled = self.bytes.capacity().saturating_mul(2).max(FIRST_BYTES);
            let capacity = length.max(doubled.min(limit));
            self.share.resize(self.n_elsewhere + capacity)?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// Returns the decompressed body.
    async fn inflated(self, limit: usize) -> Result<Self, ApiError> {
        let Self { bytes: compressed, share, .. } = self;
        let n_elsewhere = compressed.capacity();
        let mut body = Self { bytes: Vec::new(), share, n_elsewhere };
        let mut permit: Option<SemaphorePermit<'_>> = None;
        let inflated = inflate(&compressed, async |piece: &[u8]| {
            if permit.is_none() && body.bytes.len() + piece.len() > SMALL_BYTES {
                permit = INFLATING.acquire().await.ok();
            }
            body.extend(piece, limit)
        });
        inflated.await.map_err(|error| match error {
            InflateError::Refused(refusal) => refusal,
            InflateError::Malformed(error) => {
                ApiError::MalformedBody(format!("the body is not valid gzip: {error}"))
            }
            InflateError::TooManyMembers => {
                ApiError::MalformedBody("the body has too many gzip members for its size".to_owned())
            }
        })?;
        drop(compressed);
        body.n_elsewhere = 0;
        body.share.resize(body.bytes.capacity())?;
        Ok(body)
    }
}

impl std::ops::Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Shortage> for ApiError {
    fn from(shortage: Shortage) -> Self {
        let what = match shortage {
            Shortage::Full => "too many request bodies are being received",
            Shortage::GaveWay => {
                "too many request bodies are being received, and this one had stopped arriving"
            }
        };
        Self::Busy { what }
    }
}

/// Receives a whole body of at most `limit` bytes, decompressing gzip.
///
/// # Errors
/// 413 if the body is too long, 408 if it arrives too slowly, 415 for encodings other than gzip, 400 if it ends early
/// or is not valid gzip, 429 if too many bodies are being received.
pub async fn receive(request: &HttpRequest, payload: web::Payload, limit: usize) -> Result<Body, ApiError> {
    receive_within(request, payload, Bounds { limit, memory: &MEMORY }).await
}

/// Receives the body of a delivery like [`receive`], with its own memory.
///
/// # Errors
/// The same as for [`receive`].
pub async fn receive_delivery(
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
) -> Result<Body, ApiError> {
    receive_within(request, payload, Bounds { limit, memory: &DELIVERY_MEMORY }).await
}

/// Limits on receiving a body.
#[derive(Clone, Copy)]
struct Bounds {
    /// Maximum size in bytes, before and after decompression.
    limit: usize,
    /// Memory that the body shares with others.
    memory: &'static BodyMemory,
}

async fn receive_within(
    request: &HttpRequest,
    payload: web::Payload,
    bounds: Bounds,
) -> Result<Body, ApiError> {
    tokio::time::timeout(BODY_TIMEOUT, collect(request, payload.into_inner(), bounds))
        .await
        .unwrap_or(Err(ApiError::TooSlow { seconds: BODY_TIMEOUT.as_secs() }))
}

async fn collect(
    request: &HttpRequest,
    mut payload: Payload,
    Bounds { limit, memory }: Bounds,
) -> Result<Body, ApiError> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if announced > DRAINED_BYTES_MAX {
        return Err(too_large(limit));
    }
    let is_gzip = is_gzip(request);
    let mut received = is_gzip.map(|is_gzip| (is_gzip, Body::new(memory.share(Sender::of(request)))));
    let mut n_sent = 0_usize;
    while let Some(chunk) =
        next_chunk(&mut payload, received.as_ref().ok().map(|(_, body)| &body.share)).await?
    {
        n_sent += chunk.len();
        if n_sent > DRAINED_BYTES_MAX {
            return Err(received.err().unwrap_or_else(|| too_large(limit)));
        }
        if let Ok((is_gzip, body)) = &mut received {
            match body.extend(&chunk, received_max(*is_gzip, limit)) {
                Ok(()) => body.share.arrived(chunk.len()),
                // This drops what was collected; the rest is read and discarded.
                Err(refusal) => received = Err(refusal),
            }
        }
    }
    let (is_gzip, body) = received?;
    body.share.complete();
    if is_gzip { body.inflated(limit).await } else { Ok(body) }
}

/// Returns the next chunk; `None` at the end of the body.
///
/// # Errors
/// 400 if the body ends early, 429 if it had stopped arriving and has to give way to others.
async fn next_chunk(payload: &mut Payload, share: Option<&MemoryShare>) -> Result<Option<Bytes>, ApiError> {
    let early = |error: PayloadError| ApiError::MalformedBody(format!("the body ended early: {error}"));
    poll_fn(|context| {
        if let Poll::Ready(chunk) = Pin::new(&mut *payload).poll_next(context) {
            return Poll::Ready(chunk.transpose().map_err(early));
        }
        match share.map(|share| share.poll_gave_way(context)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(Shortage::GaveWay.into())),
            _ => Poll::Pending,
        }
    })
    .await
}

/// Returns how many bytes of a body may arrive. Gzip makes what it cannot compress a little longer.
const fn received_max(is_gzip: bool, limit: usize) -> usize {
    if is_gzip { limit + limit / 64 + 1_024 } else { limit }
}

fn too_large(limit: usize) -> ApiError {
    ApiError::TooLarge { limit: limit.try_into().unwrap_or(u64::MAX), what: "bytes" }
}

/// Returns whether the body is compressed with gzip.
fn is_gzip(request: &HttpRequest) -> Result<bool, ApiError> {
    let mut encodings = request.headers().get_all(header::CONTENT_ENCODING);
    let Some(encoding) = encodings.next() else {
        return Ok(false);
    };
    let encoding = encoding.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    match encoding.as_str() {
        _ if encodings.next().is_some() => Err(ApiError::UnsupportedEncoding),
        "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        _ => Err(ApiError::UnsupportedEncoding),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    async fn received(encodings: &[&'static str], body: Vec<u8>, limit: usize) -> Result<Body, ApiError> {
        let mut request = TestRequest::post().set_payload(body);
        for encoding in encodings {
            request = request.append_header((header::CONTENT_ENCODING, *encoding));
        }
        let (request, payload) = request.to_http_parts();
        collect(&request, payload, Bounds { limit, memory: &MEMORY }).await
    }

    #[actix_web::test]
    async fn a_body_over_the_limit_is_rejected_with_or_without_content_length() {
        for announced in [None, Some("11")] {
            let mut request = TestRequest::post().set_payload("hello world");
            if let Some(length) = announced {
                request = request.insert_header((header::CONTENT_LENGTH, length));
            }
            let (request, payload) = request.to_http_parts();
            let outcome = collect(&request, payload, Bounds { limit: 10, memory: &MEMORY }).await;
            assert!(matches!(outcome, Err(ApiError::TooLarge { limit: 10, .. })), "{outcome:?}");
        }
    }

    #[actix_web::test]
    async fn gzip_is_decompressed_up_to_the_limit() {
        let text = "so it goes; ".repeat(50_000);
        for encoding in ["gzip", "GZIP", "x-gzip"] {
            let body = received(&[encoding], gzip(text.as_bytes()), text.len()).await.unwrap();
            assert_eq!(*body, *text.as_bytes());
            assert!(body.bytes.capacity() <= text.len(), "{}", body.bytes.capacity());
        }
        let refused = received(&["gzip"], gzip(text.as_bytes()), text.len() - 1).await;
        assert!(matches!(refused, Err(ApiError::TooLarge { .. })), "{refused:?}");
        let several = [gzip(b"several "), gzip(b"members")].concat();
        assert_eq!(*received(&["gzip"], several, 100).await.unwrap(), *b"several members");
    }

    #[actix_web::test]
    async fn truncated_or_corrupt_gzip_is_rejected() {
        let whole = gzip(b"hello world");
        let mut broken = whole.clone();
        broken[12] ^= 0xff;
        let trailing = [whole.as_slice(), b"more"].concat();
        for body in [whole[..whole.len() - 1].to_vec(), b"hello world".to_vec(), broken, trailing, Vec::new()]
        {
            let refused = received(&["gzip"], body, 100).await;
            assert!(matches!(refused, Err(ApiError::MalformedBody(_))), "{refused:?}");
        }
    }

    #[actix_web::test]
    async fn encodings_other_than_gzip_are_rejected() {
        for encodings in
            [&["deflate"][..], &["br"], &["zstd"], &["gzip, gzip"], &["gzip", "gzip"], &["", "gzip"]]
        {
            let refused = received(encodings, gzip(b"hello"), 100).await;
            assert!(matches!(refused, Err(ApiError::UnsupportedEncoding)), "{encodings:?}: {refused:?}");
        }
        assert_eq!(*received(&["identity"], b"hello".to_vec(), 100).await.unwrap(), *b"hello");
    }
}
