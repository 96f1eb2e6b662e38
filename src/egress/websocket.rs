//! Long-lived WebSocket connections to hosts that users configure.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, error::UrlError};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::{CONNECT_TIMEOUT, Egress, EgressError, TIMEOUT, WEBSOCKET, check_url};

/// Maximum number of bytes of a refusal's body to keep for display.
const REFUSAL_BYTES_MAX: usize = 4_096;

/// Open WebSocket connection.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// WebSocket connection to open.
#[derive(Debug)]
pub struct SocketRequest {
    /// URL with the scheme `ws` or `wss`.
    pub url: Url,
    /// Headers to send with the request, such as credentials.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Maximum size of a received message in bytes. A larger one breaks the connection.
    pub message_bytes_max: usize,
}

/// Error for a connection that was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The host was not reached.
    #[error(transparent)]
    Unreached(#[from] EgressError),
    /// The host responded, but not by opening a WebSocket.
    #[error("the host answered with status {}", .0.status)]
    Refused(Box<Refusal>),
}

/// Response of a host that refused to open a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status code.
    pub status: u16,
    /// Delay requested in `Retry-After`, if any.
    pub retry_after: Option<Duration>,
    /// Beginning of the body, with invalid UTF-8 replaced.
    pub body: String,
}

impl Egress {
    /// Opens a WebSocket connection, only to addresses that have been checked; see [`super`].
    ///
    /// # Errors
    /// If the host is not allowed, is not reached, or refuses to open a WebSocket.
    pub async fn open(&self, request: SocketRequest) -> Result<Socket, OpenError> {
        check_url(&request.url, &self.resolver.allowed, &WEBSOCKET)?;
        tokio::time::timeout(TIMEOUT, self.handshake(request))
            .await
            .unwrap_or(Err(EgressError::TimedOut.into()))
    }

    async fn handshake(&self, request: SocketRequest) -> Result<Socket, OpenError> {
        let stream = self.connect(&request.url).await?;
        let mut handshake = request.url.as_str().into_client_request().map_err(|_| EgressError::BadUrl)?;
        handshake.headers_mut().extend(request.headers.into_iter().map(|(name, value)| (Some(name), value)));
        let limits = WebSocketConfig::default()
            .max_message_size(Some(request.message_bytes_max))
            .max_frame_size(Some(request.message_bytes_max));
        match client_async_tls_with_config(handshake, stream, Some(limits), None).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) => {
                let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
                let body = response.body().as_deref().unwrap_or_default();
                let body = body.get(..REFUSAL_BYTES_MAX).unwrap_or(body);
                Err(OpenError::Refused(Box::new(Refusal {
                    status: response.status().as_u16(),
                    retry_after: header("retry-after")
                        .and_then(|text| super::retry_after(text, jiff::Timestamp::now())),
                    body: String::from_utf8_lossy(body).into_owned(),
                })))
            }
            Err(Error::Url(UrlError::UnsupportedUrlScheme)) => Err(EgressError::BadUrl.into()),
            Err(_) => Err(EgressError::NoConnection.into()),
        }
    }

    /// Connects to the first address of the host that responds.
    async fn connect(&self, url: &Url) -> Result<TcpStream, EgressError> {
        let host = url.host_str().ok_or(EgressError::BadUrl)?;
        let port = url.port_or_known_default().ok_or(EgressError::BadUrl)?;
        // The URL has been checked, including a literal address.
        let addresses = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(literal) => vec![literal],
            Err(_) => self.resolver.addresses(host).await?,
        };
        for address in addresses {
            let connecting = TcpStream::connect(SocketAddr::new(address, port));
            let connected: io::Result<TcpStream> = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
                .await
                .unwrap_or_else(|late| Err(late.into()));
            if let Ok(stream) = connected {
                // Frames are small, and none should wait for the next.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
        }
        Err(EgressError::NoConnection)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_tungstenite::tungstenite::Message;

    use super::*;
    use crate::egress::allowlist::Allowlist;

    fn request(url: &str) -> SocketRequest {
        SocketRequest { url: url.parse().unwrap(), headers: Vec::new(), message_bytes_max: 1_024 }
    }

    fn egress() -> Egress {
        Egress::new(Allowlist::parse(["127.0.0.1"]).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_socket_is_opened_to_an_allowed_address_only() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            socket.send(Message::text("hello")).await.unwrap();
            socket.send(Message::text("x".repeat(2_000))).await.unwrap();
            let _ = socket.next().await;
        });
        let mut socket = egress().open(request(&format!("ws://127.0.0.1:{port}/"))).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
        assert!(matches!(socket.next().await, Some(Err(Error::Capacity(_)))), "larger than allowed");

        let forbidden = egress().open(request("ws://127.0.0.2:9/")).await.unwrap_err();
        assert!(matches!(forbidden, OpenError::Unreached(EgressError::Refused)));
        let rebinding = Egress::with_lookup(
            Allowlist::parse(["127.0.0.1"]).unwrap(),
            Arc::new(|_| async { Ok(vec!["127.0.0.2".parse().unwrap()]) }.boxed()),
        );
        let forbidden = rebinding.unwrap().open(request("wss://inside.example/")).await.unwrap_err();
        assert!(matches!(forbidden, OpenError::Unreached(EgressError::Refused)));
        let plain = egress().open(request("ws://example.com/")).await.unwrap_err();
        assert!(matches!(plain, OpenError::Unreached(EgressError::NotEncrypted)));
    }

    #[tokio::test]
    async fn a_refusal_is_returned_with_what_the_host_says() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4_096]).await;
            let answer = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nslow";
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let refused = egress().open(request(&format!("ws://127.0.0.1:{port}/"))).await.unwrap_err();
        let OpenError::Refused(refusal) = refused else { panic!("{refused:?}") };
        assert_eq!((refusal.status, refusal.retry_after), (429, Some(Duration::from_secs(7))));
    }
}
