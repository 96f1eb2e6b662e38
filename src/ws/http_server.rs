//! Where connections come in: HTTP, and what becomes live.

use std::net::TcpListener;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::{HttpService, Request};
use actix_server::ServerBuilder;
use actix_service::{ServiceFactory, ServiceFactoryExt as _};
use actix_web::dev::ServiceResponse;

use super::connection::upgrades;
use super::raw_socket::note_connection;

/// How long a client may take to send its headers.
const REQUEST_PATIENCE: Duration = Duration::from_secs(10);

/// How long a client may take to hang up once it was answered for the last time.
const HANG_UP_PATIENCE: Duration = Duration::from_secs(1);

/// Answers with `application` on every connection that comes in, and takes those over whose handshakes it accepts. What
/// `actix_web::HttpServer` does, which has no way to give a connection up.
///
/// # Errors
/// When the listener cannot be used.
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
            .client_request_timeout(REQUEST_PATIENCE)
            .client_disconnect_timeout(HANG_UP_PATIENCE)
            .local_addr(address)
            // A frame is whole when it is written: holding it back for more to come only makes it late.
            .tcp_nodelay(true)
            .on_connect_ext(note_connection)
            .upgrade(upgrades(application()))
            .finish(application().map_err(|error| error.error_response()))
            .tcp()
    })
}
