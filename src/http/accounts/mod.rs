//! Accounts and sessions of people.

pub mod cookies; // the cookies of sessions and devices
pub mod invitations; // inviting people, and accepting
pub mod password; // changing the password
pub mod password_resets; // setting a new password by a link
pub mod sessions; // listing and ending sessions
pub mod setup; // the first account
pub mod sign_in; // signing in and out
pub mod users; // what admins do with accounts
pub mod whoami; // who the caller is, and what the installation requires

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::header;

use super::client_address::ClientAddress;
use super::error::ApiError;
use super::state::AppState;
use crate::auth::accounts::SignInOrigin;
use crate::auth::password::WeakPassword;

/// Maximum body size in bytes: a password of 1,024 characters, each written as an escape.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// Returns the address of the client that makes the request.
pub fn client_address(request: &HttpRequest) -> IpAddr {
    ClientAddress::of(request).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Returns from where a person signs in.
pub fn origin_of(request: &HttpRequest, state: &AppState) -> SignInOrigin {
    let is_secure = cookies::is_secure(request.headers(), state.messenger.dashboard().as_deref());
    let agent = request.headers().get(header::USER_AGENT);
    SignInOrigin {
        address: client_address(request),
        agent: agent.and_then(|agent| agent.to_str().ok()).map(str::to_owned),
        device: cookies::DEVICE.read(request.headers(), is_secure),
    }
}

/// Returns the error for a new password that is refused.
fn weak(reason: WeakPassword) -> ApiError {
    ApiError::invalid_field("password", format!("the password {reason}"))
}

/// Returns the error for the token of a link that works no more. Whether it ever worked stays unknown.
fn link_ended() -> ApiError {
    let message = "the link has expired, or it was used or replaced; ask for another".to_owned();
    ApiError::Conflict { code: "link_ended", message }
}
