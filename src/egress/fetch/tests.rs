use std::io::Write as _;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::egress::allowlist::Allowlist;

/// Starts a host that responds to every connection with the result of `answer` for its port, and records the requests.
async fn host(answer: impl Fn(u16, usize) -> Vec<u8> + Send + 'static) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 4_096];
            let n_bytes = stream.read(&mut bytes).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&bytes[..n_bytes]).to_ascii_lowercase();
            let n_before = kept.lock().unwrap().len();
            kept.lock().unwrap().push(request);
            let _ = stream.write_all(&answer(port, n_before)).await;
        }
    });
    (port, requests)
}

fn response(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn get(url: &str) -> Result<Fetched, FetchError> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer key"));
    let mut secret = HeaderValue::from_static("hunter2");
    secret.set_sensitive(true);
    headers.insert("x-secret", secret);
    let request = GetRequest { url: url.parse().unwrap(), headers, known: None, body_bytes_max: 1_000 };
    Egress::new(Allowlist::parse(["127.0.0.1"]).unwrap()).unwrap().get(request).await
}

#[tokio::test]
async fn a_document_is_returned_with_what_a_later_request_needs() {
    let head =
        "200 OK\r\netag: \"v1\"\r\nlast-modified: Sat, 21 Nov 2026 10:00:00 GMT\r\ncontent-type: text/xml";
    let (port, requests) = host(move |_, _| response(head, b"<rss/>")).await;
    let fetched = get(&format!("http://127.0.0.1:{port}/feed")).await.unwrap();
    assert_eq!((fetched.status, fetched.body.as_slice()), (200, b"<rss/>".as_slice()));
    assert_eq!(fetched.version.etag.as_deref(), Some("\"v1\""));
    assert_eq!(fetched.version.last_modified.as_deref(), Some("Sat, 21 Nov 2026 10:00:00 GMT"));
    assert_eq!(fetched.content_type.as_deref(), Some("text/xml"));
    assert!(requests.lock().unwrap()[0].contains("accept-encoding: gzip"));

    let head = "429 Too Many Requests\r\nretry-after: 7";
    let (port, _) = host(move |_, _| response(head, b"slow down")).await;
    let fetched = get(&format!("http://127.0.0.1:{port}/")).await.unwrap();
    assert_eq!((fetched.status, fetched.retry_after), (429, Some(Duration::from_secs(7))));
    assert_eq!(fetched.body, b"slow down");

    let (port, _) = host(move |_, _| response("404 Not Found", &[b'x'; 1_001])).await;
    assert_eq!(get(&format!("http://127.0.0.1:{port}/")).await.unwrap().body, b"", "too much for an error");
}

#[tokio::test]
async fn bodies_are_bounded_before_and_after_decompression() {
    let check = async |head: &'static str, body: Vec<u8>| {
        let (port, _) = host(move |_, _| response(head, &body)).await;
        get(&format!("http://127.0.0.1:{port}/")).await.map(|fetched| fetched.body.len())
    };
    assert_eq!(check("200 OK", vec![b'x'; 1_000]).await, Ok(1_000));
    assert_eq!(check("200 OK", vec![b'x'; 1_001]).await, Err(FetchError::TooLarge(1_000)));
    let gzip = "200 OK\r\ncontent-encoding: gzip";
    assert_eq!(check(gzip, gzipped(&[b'x'; 1_000])).await, Ok(1_000));
    let bomb = gzipped(&vec![b'x'; 100_000]);
    assert!(bomb.len() < 1_000, "{}", bomb.len());
    assert_eq!(check(gzip, bomb).await, Err(FetchError::TooLarge(1_000)));
    assert_eq!(check(gzip, b"plain".to_vec()).await, Err(FetchError::Undecodable));
    assert_eq!(check("200 OK\r\ncontent-encoding: br", b"?".to_vec()).await, Err(FetchError::Undecodable));
}

#[tokio::test]
async fn redirects_are_followed_a_few_times() {
    let (port, requests) = host(|port, n| match n {
        0..3 => response(&format!("301 Moved\r\nlocation: http://127.0.0.1:{port}/{n}"), b""),
        3 => response("307 Elsewhere\r\nlocation: last?x=1", b""),
        _ => response("200 OK", b"here"),
    })
    .await;
    let fetched = get(&format!("http://127.0.0.1:{port}/feed")).await.unwrap();
    assert_eq!(fetched.version.url, format!("http://127.0.0.1:{port}/last?x=1"));
    assert_eq!(fetched.body, b"here");
    assert!(requests.lock().unwrap().iter().all(|request| request.contains("bearer key")));

    let (port, requests) = host(|_, n| response(&format!("302 Found\r\nlocation: /{n}"), b"")).await;
    let outcome = get(&format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(outcome, Err(FetchError::TooManyRedirects));
    assert_eq!(requests.lock().unwrap().len(), 6);
    let (port, _) = host(|_, _| response("302 Found", b"")).await;
    assert_eq!(get(&format!("http://127.0.0.1:{port}/")).await, Err(FetchError::BadRedirect));
}

#[tokio::test]
async fn a_redirect_leads_only_where_a_request_may_go() {
    for (location, refused) in [
        ("http://127.0.0.2:9/", EgressError::Refused),
        ("https://169.254.169.254/latest/meta-data", EgressError::Refused),
        ("http://example.com/", EgressError::NotEncrypted),
        ("https://user:secret@example.com/", EgressError::BadUrl),
        ("file:///etc/passwd", EgressError::BadUrl),
    ] {
        let head = format!("302 Found\r\nlocation: {location}");
        let (port, requests) = host(move |_, _| response(&head, b"")).await;
        let outcome = get(&format!("http://127.0.0.1:{port}/")).await;
        assert_eq!(outcome, Err(FetchError::Unreached(refused)), "{location}");
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_to_a_name_is_resolved_and_checked() {
    let (port, _) = host(|_, _| response("302 Found\r\nlocation: https://inside.example/", b"")).await;
    let lookup = Arc::new(|_| async { Ok(vec!["10.0.0.1".parse().unwrap()]) }.boxed());
    let egress = Egress::with_lookup(Allowlist::parse(["127.0.0.1"]).unwrap(), lookup).unwrap();
    let url = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let outcome =
        egress.get(GetRequest { url, headers: HeaderMap::new(), known: None, body_bytes_max: 1_000 }).await;
    assert_eq!(outcome, Err(FetchError::Unreached(EgressError::Refused)));
}

#[tokio::test]
async fn credentials_stay_with_the_host_that_they_are_for() {
    let (elsewhere, requests) = host(|_, _| response("200 OK", b"")).await;
    let head = format!("302 Found\r\nlocation: http://127.0.0.1:{elsewhere}/");
    let (port, _) = host(move |_, _| response(&head, b"")).await;
    assert_eq!(get(&format!("http://127.0.0.1:{port}/")).await.unwrap().status, 200);
    assert!(!requests.lock().unwrap()[0].contains("authorization"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let (port, _) = host(|_, _| b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<rss>".to_vec()).await;
    let outcome = get(&format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(outcome, Err(FetchError::Unreached(EgressError::NoConnection)));
}

#[tokio::test]
async fn a_version_is_named_only_where_it_means_something() {
    let (port, requests) = host(|_, n| match n {
        0 => response("302 Found\r\nlocation: /moved", b""),
        _ => response("304 Not Modified", b""),
    })
    .await;
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let known = Version {
        url: url("/moved"),
        etag: Some("\"v1\"".to_owned()),
        last_modified: Some("Sat, 21 Nov 2026 10:00:00 GMT".to_owned()),
    };
    let request = GetRequest {
        url: url("/feed").parse().unwrap(),
        headers: HeaderMap::new(),
        known: Some(known),
        body_bytes_max: 1_000,
    };
    let egress = Egress::new(Allowlist::parse(["127.0.0.1"]).unwrap()).unwrap();
    assert_eq!(egress.get(request).await.unwrap().status, 304);
    let requests = requests.lock().unwrap();
    assert!(!requests[0].contains("if-"), "{}", requests[0]);
    assert!(requests[1].contains("if-none-match: \"v1\"") && requests[1].contains("if-modified-since: sat"));
}
