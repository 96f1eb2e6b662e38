//! Who may use this process: accounts, sessions, and whether a credential is needed at all.

use std::net::SocketAddr;

use tracing::{info, warn};

use super::connections::Connections;
use crate::auth::accounts::Accounts;
use crate::auth::authenticator::Authenticator;
use crate::auth::credentials::Credentials;
use crate::auth::open_access::OpenAccess;
use crate::auth::password::PasswordHasher;
use crate::auth::standing::Standings;

/// Parts that decide who may use this process.
pub struct Access {
    /// Whether callers need a credential.
    pub open: OpenAccess,
    /// What identities may do right now.
    pub standings: Standings,
    /// Verifies the credentials of callers.
    pub authenticator: Authenticator,
    /// Signs people in.
    pub accounts: Accounts,
    /// Credentials of programs.
    pub credentials: Credentials,
}

impl Access {
    /// Creates the parts. Standings are read over the connections for alerting: their queries are short, and must not
    /// wait for a burst of requests.
    pub fn new(connections: &Connections) -> Self {
        let open = connections.open_access.clone();
        let sessions = connections.stream.sessions();
        let standings = Standings::new(connections.alerting.clone(), sessions.clone(), open.clone());
        let accounts =
            Accounts::new(connections.reading.clone(), &connections.stream, standings.clone(), open.clone());
        let keyring = connections.messenger.keyring().clone();
        // Not that of passwords: strangers who try to sign in must not keep the programs waiting.
        let credentials = Credentials::new(connections.reading.clone(), keyring, PasswordHasher::new());
        let authenticator =
            Authenticator::new(sessions, credentials.clone(), standings.clone(), open.clone());
        Self { open, standings, authenticator, accounts, credentials }
    }

    /// Logs the code that creates the first account, unless there are accounts.
    pub async fn announce_setup(accounts: &Accounts, address: SocketAddr) {
        match accounts.setup_code().await {
            Ok(Some(code)) => {
                let page = format!("http://{address}/set-up");
                info!(code, page, "there are no accounts: create the first one on this page, with this code");
            }
            Ok(None) => {}
            Err(error) => {
                warn!(%error, "no setup code: the first account cannot be created before a restart")
            }
        }
    }
}
