//! HTTP server that also accepts live connections.

use std::net::TcpListener;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::{HttpService, Request};
use actix_server::ServerBuilder;
use actix_service::{ServiceFactory, ServiceFactoryExt as _};
use actix_web::dev::ServiceResponse;

use super::abort_handle::record_descriptor;
use super::upgrade::upgrades;

/// Maximum time for a client to send its headers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum time for a client to close the connection after its last response.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves `application` on every connection and hands accepted sockets over to their sessions. Replaces
/// `actix_web::HttpServer`, which cannot hand over a connection.
///
/// # Errors
/// If the address of the listener cannot be read.
pub fn listen<F, A, B>(
    server: ServerBuilder,
    listener: TcpListener,
    application: F,
) -> std::io::Result<ServerBuilder>
where
    F: Fn() -> A + Send + Clone + 'static,
    A: ServiceFactory<
            Request,
            Config = (),
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    A::Service: 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr()?;
    let stopping = server.graceful_shutdown_signal();
    server.listen("http", listener, move || {
        let stopping = stopping.clone();
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .client_request_timeout(REQUEST_TIMEOUT)
            .client_disconnect_timeout(CLOSE_TIMEOUT)
            .local_addr(address)
            // Frames are complete when they are written, so coalescing would only delay them.
            .tcp_nodelay(true)
            .on_connect_ext(record_descriptor)
            .upgrade(upgrades(application()))
            .finish(application().map_err(|error| error.error_response()))
            .tcp()
    })
}
