//! Client, credentials and meter with which a connector reaches its network.

use std::sync::Arc;

use super::meter::Meter;
use crate::egress::Egress;
use crate::models::source::credentials::Credentials;

/// Access of a connector to its network.
#[derive(Clone)]
pub struct Access {
    /// HTTP client that refuses addresses that may not be reached.
    pub egress: Egress,
    /// Credentials that the network issued.
    pub credentials: Credentials,
    /// Counts the use of the network's quotas and budget.
    pub meter: Arc<dyn Meter>,
}
