use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::egress::allowlist::Allowlist;

/// Starts a host that sends `parts` on each connection, 50 ms apart, and records the requests.
async fn host(parts: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 4_096];
            let n_bytes = stream.read(&mut bytes).await.unwrap_or_default();
            kept.lock().unwrap().push(String::from_utf8_lossy(&bytes[..n_bytes]).to_ascii_lowercase());
            for part in parts {
                let _ = stream.write_all(part.as_bytes()).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    (format!("http://127.0.0.1:{port}/2/rules"), requests)
}

fn egress() -> Egress {
    Egress::new(Allowlist::parse(["127.0.0.1"]).unwrap()).unwrap()
}

fn request(url: &str, json: Option<&str>) -> ApiRequest {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Bearer key"));
    let content = json.map(|json| Content::Json(json.as_bytes().to_vec()));
    ApiRequest { url: url.parse().unwrap(), headers, content, body_bytes_max: 100 }
}

#[tokio::test]
async fn a_refusal_is_read_like_any_other_response() {
    let (url, requests) = host(&[
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nx-rate-limit-remaining: 0\r\ncontent-length: 4\r\n\r\nslow",
    ])
    .await;
    let response = egress().call(request(&url, Some("{}"))).await.unwrap();
    assert_eq!((response.status, response.retry_after), (429, Some(Duration::from_secs(7))));
    assert_eq!(
        (response.body.as_slice(), response.headers["x-rate-limit-remaining"].as_bytes()),
        (&b"slow"[..], &b"0"[..])
    );
    let sent = requests.lock().unwrap()[0].clone();
    assert!(sent.starts_with("post /2/rules") && sent.contains("content-type: application/json"), "{sent}");
    let Ok(Err(refused)) = egress().stream(request(&url, None)).await else { panic!("not refused") };
    assert_eq!((refused.status, refused.body.as_slice()), (429, &b"slow"[..]));
}

#[tokio::test]
async fn a_token_is_sent_to_no_other_host_and_bodies_are_bounded() {
    let (elsewhere, reached) = host(&["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]).await;
    let head = format!("HTTP/1.1 307 Moved\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
    let (url, _) = host(vec![&*head.leak()].leak()).await;
    assert_eq!(egress().call(request(&url, None)).await.unwrap().status, 307);
    assert!(reached.lock().unwrap().is_empty());
    let large = format!("HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n{}", "x".repeat(101));
    let (url, _) = host(vec![&*large.leak()].leak()).await;
    assert_eq!(egress().call(request(&url, None)).await, Err(FetchError::TooLarge(100)));
    let forbidden = egress().call(request("http://127.0.0.2:9/", None)).await;
    assert_eq!(forbidden, Err(FetchError::Unreached(EgressError::Refused)));
}

#[tokio::test]
async fn a_stream_is_read_as_it_comes() {
    let (url, _) = host(&[
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-rate-limit-remaining: 9\r\n\r\n",
        "3\r\none\r\n",
        "3\r\ntwo\r\n0\r\n\r\n",
    ])
    .await;
    let Ok(Ok(mut stream)) = egress().stream(request(&url, None)).await else { panic!("refused") };
    assert_eq!(stream.headers["x-rate-limit-remaining"], "9");
    assert_eq!(stream.next().await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(stream.next().await.unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(stream.next().await.unwrap(), None);
}
