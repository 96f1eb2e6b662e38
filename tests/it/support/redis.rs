//! Any command to Redis, also those that the product never sends.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

/// Sends one command over a connection of its own and answers the first line, or the string that it announces.
pub fn command(redis_url: &str, parts: &[&[u8]]) -> String {
    let path = redis_url.strip_prefix("redis+unix://").unwrap();
    let mut socket = UnixStream::connect(path).unwrap();
    let mut request = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        request.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        request.extend_from_slice(part);
        request.extend_from_slice(b"\r\n");
    }
    socket.write_all(&request).unwrap();
    let mut lines = BufReader::new(socket).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    assert!(!first.starts_with('-'), "{first}");
    if first.starts_with('$') { lines.next().unwrap_or_default() } else { first }
}
