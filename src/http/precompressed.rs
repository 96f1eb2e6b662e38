//! Responses that are the same for everyone: one copy in memory, compressed once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Minimum size in bytes for compression; for smaller files, the headers outweigh the savings.
const COMPRESSED_FROM_BYTES: usize = 1024;

/// File in memory.
pub struct File {
    /// Its content.
    pub bytes: Bytes,
    /// Name that changes with the content.
    pub tag: String,
    /// Whether compression makes it smaller.
    pub is_compressible: bool,
}

/// Returns bytes of the program itself without copying them.
pub fn shared(bytes: Cow<'static, [u8]>) -> Bytes {
    match bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    }
}

/// Responds with a file, compressed if the client accepts gzip.
pub fn respond(request: &HttpRequest, response: HttpResponseBuilder, file: File) -> HttpResponse {
    let is_worthwhile = file.is_compressible && file.bytes.len() >= COMPRESSED_FROM_BYTES;
    let plain = file.bytes.clone();
    respond_with(request, response, plain, || is_worthwhile.then(|| compressed(file)))
}

/// Responds with bytes, or with what `gzip` returns for them if the client accepts gzip.
pub fn respond_with(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    plain: Bytes,
    gzip: impl FnOnce() -> Option<Bytes>,
) -> HttpResponse {
    response.insert_header((header::VARY, "accept-encoding"));
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok());
    let Some(accepted) = accepted else {
        return response.body(plain);
    };
    if accepted.contains("gzip")
        && let Some(bytes) = gzip()
    {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        return response.body(bytes);
    }
    // Otherwise, the middleware would compress it anew for each response.
    response.insert_header((header::CONTENT_ENCODING, "identity"));
    response.body(plain)
}

/// Compresses each file once, at the highest level, and caches the result.
fn compressed(file: File) -> Bytes {
    static CACHE: OnceLock<Mutex<HashMap<String, Bytes>>> = OnceLock::new();
    let cache = CACHE.get_or_init(Mutex::default);
    if let Some(bytes) = cache.lock().unwrap_or_else(PoisonError::into_inner).get(&file.tag) {
        return bytes.clone();
    }
    let bytes = gzip(&file.bytes, Compression::best());
    cache.lock().unwrap_or_else(PoisonError::into_inner).insert(file.tag, bytes.clone());
    bytes
}

/// Compresses bytes.
pub fn gzip(bytes: &[u8], level: Compression) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), level);
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    Bytes::from(encoder.finish().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use actix_web::body::MessageBody as _;
    use actix_web::test::TestRequest;

    #[test]
    fn a_file_is_compressed_for_those_who_accept_gzip_and_once_for_all() {
        let text = "so it goes; ".repeat(1_000);
        let respond = |accepted: Option<&str>, is_compressible: bool| {
            let mut request = TestRequest::get();
            if let Some(accepted) = accepted {
                request = request.insert_header(("accept-encoding", accepted));
            }
            let file = File { bytes: text.clone().into(), tag: "so-it-goes".to_owned(), is_compressible };
            let response = respond(&request.to_http_request(), HttpResponse::Ok(), file);
            let encoding =
                response.headers().get(header::CONTENT_ENCODING).map(|it| it.to_str().unwrap().to_owned());
            (encoding, response.into_body().try_into_bytes().unwrap())
        };
        for (accepted, is_compressible, encoding) in [
            (None, true, None),
            (Some("deflate"), true, Some("identity")),
            (Some("gzip"), false, Some("identity")),
        ] {
            let expected = (encoding.map(str::to_owned), Bytes::from(text.clone()));
            assert_eq!(respond(accepted, is_compressible), expected, "{accepted:?}");
        }
        let (encoding, first) = respond(Some("gzip, br"), true);
        let (_, again) = respond(Some("gzip, br"), true);
        assert_eq!((encoding.as_deref(), first.as_ptr()), (Some("gzip"), again.as_ptr()));
        let mut plain = String::new();
        flate2::read::GzDecoder::new(&first[..]).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, text);
    }
}
