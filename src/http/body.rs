//! Request bodies: received, decompressed and bounded in memory.

use std::io::{self, Write};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use flate2::write::MultiGzDecoder;
use futures_util::StreamExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::ApiError;

/// Maximum time to receive a body. A slower sender would tie up a connection and the memory for everything sent so far.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum number of bytes of a rejected body to read and discard before responding. Clients that are still sending
/// when the connection closes often see a broken connection instead of the response.
const DRAINED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Memory for all request bodies being received or processed, in KiB: enough for six bodies of the maximum size. When
/// it is used up, further senders get 429.
const MEMORY_KIB: usize = 48 * 1024;

/// Initial allocation for a body, in bytes; most bodies fit.
const FIRST_BYTES: usize = 4 * 1024;

/// Number of bytes to decompress before yielding to other requests on the same thread: a fraction of a millisecond of
/// work.
const INFLATED_AT_ONCE: usize = 64 * 1024;

/// Memory for the bodies of deliveries, in KiB. It is separate from that for other bodies: their senders are unknown
/// until the signature of the whole body is verified, and must not use up the memory of others.
const DELIVERY_MEMORY_KIB: usize = 24 * 1024;

static MEMORY: Semaphore = Semaphore::const_new(MEMORY_KIB);

static DELIVERY_MEMORY: Semaphore = Semaphore::const_new(DELIVERY_MEMORY_KIB);

/// Received request body. Dropping it releases its memory permits.
#[derive(Debug)]
pub struct Body {
    bytes: Vec<u8>,
    memory: &'static Semaphore,
    permits: Option<SemaphorePermit<'static>>,
}

impl Body {
    const fn new(memory: &'static Semaphore) -> Self {
        Self { bytes: Vec::new(), memory, permits: None }
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
            self.reserve(capacity)?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn reserve(&mut self, n_bytes: usize) -> Result<(), ApiError> {
        const FULL: ApiError = ApiError::Busy { what: "too many request bodies are being received" };
        let held = self.permits.as_ref().map_or(0, SemaphorePermit::num_permits);
        let more = u32::try_from(n_bytes.div_ceil(1_024).saturating_sub(held)).map_err(|_| FULL)?;
        let more = self.memory.try_acquire_many(more).map_err(|_| FULL)?;
        match &mut self.permits {
            Some(permits) => permits.merge(more),
            None => self.permits = Some(more),
        }
        Ok(())
    }
}

impl std::ops::Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
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

/// Receives the body of a delivery like [`receive`], with its own memory permits.
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
    /// Maximum size in bytes, after decompression.
    limit: usize,
    /// Memory permits that the body shares with others.
    memory: &'static Semaphore,
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

async fn collect(request: &HttpRequest, mut payload: Payload, bounds: Bounds) -> Result<Body, ApiError> {
    let limit = bounds.limit;
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if announced > DRAINED_BYTES_MAX {
        return Err(too_large(limit));
    }
    let mut received = BodyReader::new(request, bounds);
    let mut n_sent = 0_usize;
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|error| ApiError::MalformedBody(format!("the body ended early: {error}")))?;
        n_sent += chunk.len();
        if n_sent > DRAINED_BYTES_MAX {
            return Err(received.err().unwrap_or_else(|| too_large(limit)));
        }
        if let Ok(reader) = &mut received
            && let Err(refusal) = reader.push(&chunk).await
        {
            // This drops what was collected; the rest is read and discarded below.
            received = Err(refusal);
        }
    }
    received?.finish()
}

fn too_large(limit: usize) -> ApiError {
    ApiError::TooLarge { limit: limit.try_into().unwrap_or(u64::MAX), what: "bytes" }
}

/// Decoder for a body being received.
enum BodyReader {
    Plain(BodyWriter),
    Gzip(Box<MultiGzDecoder<BodyWriter>>),
}

impl BodyReader {
    fn new(request: &HttpRequest, Bounds { limit, memory }: Bounds) -> Result<Self, ApiError> {
        let writer = BodyWriter { body: Body::new(memory), limit, refusal: None };
        if is_gzip(request)? {
            return Ok(Self::Gzip(Box::new(MultiGzDecoder::new(writer))));
        }
        Ok(Self::Plain(writer))
    }

    async fn push(&mut self, mut chunk: &[u8]) -> Result<(), ApiError> {
        let decoder = match self {
            Self::Plain(writer) => return writer.body.extend(chunk, writer.limit),
            Self::Gzip(decoder) => decoder,
        };
        let mut inflated_before = decoder.get_ref().body.len();
        while !chunk.is_empty() {
            // Inflates at most twice the 32 KiB of its buffer, whatever it is given.
            let n_read = decoder.write(chunk).map_err(|error| decoder.get_mut().rejection(&error))?;
            chunk = chunk.get(n_read..).unwrap_or_default();
            if decoder.get_ref().body.len() - inflated_before >= INFLATED_AT_ONCE {
                inflated_before = decoder.get_ref().body.len();
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Body, ApiError> {
        match self {
            Self::Plain(writer) => Ok(writer.body),
            Self::Gzip(mut decoder) => {
                decoder.try_finish().map_err(|error| decoder.get_mut().rejection(&error))?;
                let body = &mut decoder.get_mut().body;
                Ok(std::mem::replace(body, Body::new(body.memory)))
            }
        }
    }
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

/// Collects decoded bytes. It fails when the limit or the memory permits are exhausted, which stops the decoder.
struct BodyWriter {
    body: Body,
    limit: usize,
    refusal: Option<ApiError>,
}

impl BodyWriter {
    /// Returns the reason why decoding failed: the writer's own limits, or invalid gzip.
    fn rejection(&mut self, error: &io::Error) -> ApiError {
        self.refusal
            .take()
            .unwrap_or_else(|| ApiError::MalformedBody(format!("the body is not valid gzip: {error}")))
    }
}

impl Write for BodyWriter {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        match self.body.extend(chunk, self.limit) {
            Ok(()) => Ok(chunk.len()),
            Err(refusal) => {
                self.refusal = Some(refusal);
                Err(io::ErrorKind::OutOfMemory.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use flate2::Compression;
    use flate2::write::GzEncoder;

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
