//! HTTP server that also accepts live connections.

use std::net::TcpListener;
use std::rc::Rc;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::ServerBuilder;
use actix_service::{Service as _, ServiceFactory, ServiceFactoryExt as _, fn_factory, fn_service};
use actix_web::dev::{Extensions, ServiceResponse};
use actix_web::rt::net::TcpStream;

use super::abort_handle::record_descriptor;
use super::connection_state::{ConnectionState, ResponseGuard};
use super::request_gate::GatedStream;
use super::sliced_body::{SlicedBody, WRITE_BUFFER_BYTES};
use super::upgrade::upgrades;

/// Maximum time for a client to send its headers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum time for a client to close the connection after its last response.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Where a server listens, and how long it waits for clients.
pub struct ListenParams {
    /// Listener for new connections.
    pub listener: TcpListener,
    /// How long a client may read nothing of a response before its connection ends. Responses in memory end earlier if
    /// there are too many of them.
    pub stall_max: Duration,
}

/// Serves `application` on every connection, one request at a time, and hands accepted sockets over to their sessions.
/// Replaces `actix_web::HttpServer`, which cannot hand over a connection.
///
/// # Errors
/// If the address of the listener cannot be read.
pub fn listen<F, A, B>(
    server: ServerBuilder,
    ListenParams { listener, stall_max }: ListenParams,
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
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .client_request_timeout(REQUEST_TIMEOUT)
            .client_disconnect_timeout(CLOSE_TIMEOUT)
            .h1_write_buffer_size(WRITE_BUFFER_BYTES)
            .local_addr(address)
            .on_connect_ext(record_connection)
            .upgrade(upgrades(application()))
            .finish(gated(application()));
        fn_service(move |stream: TcpStream| {
            // Frames are complete when they are written, so coalescing would only delay them.
            let _ = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            std::future::ready(Ok((GatedStream::new(stream, stall_max), Protocol::Http1, peer)))
        })
        .and_then(http)
    })
}

fn record_connection(stream: &GatedStream, data: &mut Extensions) {
    record_descriptor(stream.connection(), data);
    data.insert(Rc::clone(stream.state()));
}

/// Returns a service that passes requests to `application`, and records on their connections when they begin and when
/// their responses are complete.
fn gated<A, B>(
    application: A,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<SlicedBody>,
    Error = actix_web::Error,
    InitError = A::InitError,
>
where
    A: ServiceFactory<Request, Config = (), Response = ServiceResponse<B>, Error = actix_web::Error>
        + 'static,
    A::Service: 'static,
    B: MessageBody + 'static,
{
    fn_factory(move || {
        let application = application.new_service(());
        async move {
            let application = Rc::new(application.await?);
            Ok(fn_service(move |mut request: Request| {
                let guard = ConnectionState::of(&request).map(|state| state.begin_response(&mut request));
                let response = application.call(request);
                async move {
                    let response = match response.await {
                        Ok(response) => response.map_into_boxed_body().into(),
                        Err(error) => error.error_response().into(),
                    };
                    Ok(sliced(response, guard))
                }
            }))
        }
    })
}

fn sliced(
    response: Response<actix_http::body::BoxBody>,
    guard: Option<ResponseGuard>,
) -> Response<SlicedBody> {
    response.map_body(|_, body| SlicedBody::new(body, guard))
}
