//! Serves the dashboard's files, which are embedded in the binary.

use actix_web::guard::GuardContext;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{Embed, EmbeddedFile};

use super::access::{Anyone, NotAStranger};
use super::error::ApiError;
use super::precompressed::{self, File};

/// Build output of `frontend/`; empty if the dashboard was not built before the server.
#[derive(Embed)]
#[folder = "frontend/dist"]
#[allow_missing = true]
struct Dist;

/// Returns whether the dashboard was built before this binary.
pub fn is_built() -> bool {
    Dist::get("index.html").is_some()
}

/// `Cache-Control` for files under `assets/`, whose names contain a digest of their content.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// `Cache-Control` for all other files: clients may store them but must revalidate.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

const NOT_BUILT: &str = include_str!("not_built.html");

/// Paths of the dashboard's pages, the same as in `frontend/src/app/router.tsx`.
const PAGES: &[&str] = &[
    "/",
    "/explore",
    "/author",
    "/queue",
    "/alerts",
    "/topics",
    "/sources",
    "/reports",
    "/system",
    "/account",
    "/admin",
    "/sign-in",
    "/forgot-password",
    "/password-reset",
    "/invitation",
    "/set-up",
    "/design",
    "/shared",
];

/// Page that share links open. Search engines must not list it.
const SHARED_PAGE: &str = "/shared";

/// Returns whether a request is for a part of the dashboard itself, which is the same for everyone and contains no
/// data.
///
/// Only exact paths match; an escaped or otherwise altered path does not.
fn is_public_file(method: &Method, path: &str) -> bool {
    let is_file = || path.strip_prefix('/').is_some_and(|file| Dist::get(file).is_some());
    matches!(*method, Method::GET | Method::HEAD) && (PAGES.contains(&path) || is_file())
}

/// Guard that passes requests for parts of the dashboard itself. They are open, because a page must load before it can
/// ask a person for the token.
pub fn is_public(context: &GuardContext<'_>) -> bool {
    is_public_file(&context.head().method, context.head().uri.path())
}

/// Serves a part of the dashboard itself to anyone. Handles requests that pass [`is_public`].
///
/// # Errors
/// 404 if the path is not part of the dashboard.
pub async fn show(_: Anyone, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    serve(request).await
}

/// Serves the dashboard under any other path that may be one of its pages. Handles all requests that no route matches.
///
/// # Errors
/// 404 if the path is not part of the dashboard.
pub async fn find(_: NotAStranger, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    serve(request).await
}

async fn serve(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let path = request.path().trim_start_matches('/');
    let missing = || ApiError::NotFound { what: format!("`/{path}`") };
    if !matches!(*request.method(), Method::GET | Method::HEAD) || path.starts_with("api/") {
        return Err(missing());
    }
    if let Some(file) = Dist::get(path) {
        return Ok(respond(&request, path, file));
    }
    // The dashboard routes its pages in the browser, so there are no files for them.
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    if !is_page {
        return Err(missing());
    }
    let Some(index) = Dist::get("index.html") else {
        let page = HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
            .content_type("text/html; charset=utf-8")
            .body(NOT_BUILT);
        return Ok(page);
    };
    Ok(respond(&request, "index.html", index))
}

fn respond(request: &HttpRequest, path: &str, file: EmbeddedFile) -> HttpResponse {
    let tag = hex::encode(file.metadata.sha256_hash().get(..12).unwrap_or_default());
    let quoted = format!("\"{tag}\"");
    let caching = if path.starts_with("assets/") { IMMUTABLE } else { REVALIDATE };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, caching));
    response.insert_header((header::ETAG, quoted.clone()));
    if request.path() == SHARED_PAGE {
        response.insert_header((HeaderName::from_static("x-robots-tag"), "noindex, nofollow"));
    }
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == quoted)) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let charset = if kind.type_() == "text" { "; charset=utf-8" } else { "" };
    response.content_type(format!("{}{charset}", kind.essence_str()));
    let is_compressible = kind.type_() != "image";
    precompressed::respond(
        request,
        response,
        File { bytes: precompressed::shared(file.data), tag, is_compressible },
    )
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::io::Read;

    use super::*;
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    fn script() -> EmbeddedFile {
        let metadata = rust_embed::Metadata::__rust_embed_new([7; 32], None, None);
        EmbeddedFile { data: Cow::Owned(b"export const answer = 42;\n".repeat(100)), metadata }
    }

    #[actix_web::test]
    async fn a_compressed_script_is_the_script() {
        let request = TestRequest::get().insert_header(("accept-encoding", "gzip, br")).to_http_request();
        let response = respond(&request, "assets/app-1a2b.js", script());
        assert_eq!(response.headers().get(header::CONTENT_ENCODING).unwrap(), "gzip");
        assert_eq!(response.headers().get(header::CACHE_CONTROL).unwrap(), IMMUTABLE);
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "text/javascript; charset=utf-8");
        let body = to_bytes(response.into_body()).await.unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, *script().data);
    }

    #[test]
    fn a_file_that_the_browser_has_cached_is_not_sent_again() {
        let first = respond(&TestRequest::get().to_http_request(), "index.html", script());
        assert_eq!(first.headers().get(header::CACHE_CONTROL).unwrap(), REVALIDATE);
        let tag = first.headers().get(header::ETAG).unwrap().clone();
        let again = TestRequest::get().insert_header((header::IF_NONE_MATCH, tag)).to_http_request();
        assert_eq!(respond(&again, "index.html", script()).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn only_the_dashboards_own_paths_are_public() {
        let check = |method: Method, path: &str, expected: bool| {
            assert_eq!(is_public_file(&method, path), expected, "{method} {path}");
        };
        for page in PAGES {
            check(Method::GET, page, true);
            check(Method::HEAD, page, true);
            check(Method::POST, page, false);
        }
        for other in [
            "",
            "//",
            "/api/v1/posts",
            "/metrics",
            "/docs",
            "/ws",
            "/explore/../metrics",
            "/%65xplore",
            "/alerts/",
        ] {
            check(Method::GET, other, false);
        }
    }

    #[actix_web::test]
    async fn pages_are_served_but_missing_files_and_api_paths_are_not() {
        let page = serve(TestRequest::with_uri("/alerts").to_http_request()).await.unwrap();
        assert!(page.headers().get(header::CONTENT_TYPE).unwrap().to_str().unwrap().starts_with("text/html"));
        for path in ["/api/v1/nothing", "/assets/gone.js", "/favicon.gone"] {
            let outcome = serve(TestRequest::with_uri(path).to_http_request()).await;
            assert!(matches!(outcome, Err(ApiError::NotFound { .. })), "{path}");
        }
    }
}
