//! Rows and links of the audit log, exactly as stored, so that no change to a column goes unnoticed.

use std::net::IpAddr;

use jiff::Timestamp;
use uuid::Uuid;

/// Number of bytes of a keyed hash.
pub const HASH_BYTES: usize = 32;

/// Keyed hash of a row or a link.
pub type Hash = [u8; HASH_BYTES];

/// Value of a PostgreSQL `inet` column in the server's binary format, mask included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inet(pub Vec<u8>);

impl Inet {
    /// Returns the address of a single host; `None` if this is a network.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0.as_slice() {
            [2, 32, 0, 4, address @ ..] => <[u8; 4]>::try_from(address).ok().map(IpAddr::from),
            [3, 128, 0, 16, address @ ..] => <[u8; 16]>::try_from(address).ok().map(IpAddr::from),
            _ => None,
        }
    }
}

impl From<IpAddr> for Inet {
    fn from(address: IpAddr) -> Self {
        // Family, bits of the mask, whether it is a `cidr`, number of bytes, bytes.
        Self(match address {
            IpAddr::V4(address) => [[2, 32, 0, 4].as_slice(), address.octets().as_slice()].concat(),
            IpAddr::V6(address) => [[3, 128, 0, 16].as_slice(), address.octets().as_slice()].concat(),
        })
    }
}

/// Row of the audit log without its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Id of the entry.
    pub id: Uuid,
    /// Time of the action, in microseconds since the Unix epoch.
    pub created_at: i64,
    /// Name of the action.
    pub action: String,
    /// Kind of the actor.
    pub actor_kind: String,
    /// Id of the actor.
    pub actor_id: Option<String>,
    /// Name that the actor gave.
    pub actor_name: Option<String>,
    /// Id of what was changed.
    pub object: Option<String>,
    /// Address from which the request came.
    pub ip_address: Option<Inet>,
    /// Details as JSON text.
    pub payload: String,
}

/// Row of the audit log with its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// The row.
    pub row: AuditRow,
    /// Keyed hash of the row.
    pub seal: Vec<u8>,
    /// Fingerprint of the key that sealed the row.
    pub sealed_by: String,
}

/// Link of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Position in the chain, counted from 1.
    pub seq: i64,
    /// Time of the entry, in microseconds since the Unix epoch.
    pub created_at: i64,
    /// Id of the entry.
    pub id: Uuid,
    /// Seal of the entry.
    pub seal: Vec<u8>,
    /// Fingerprint of the key that linked the entry.
    pub linked_by: String,
    /// Keyed hash of this link and of the hash before it.
    pub hash: Vec<u8>,
}

/// Link with the row that it names.
#[derive(Debug, Clone)]
pub struct ChainedRow {
    /// The link.
    pub link: Link,
    /// The row; `None` if there is no row with the time and the id that the link names.
    pub sealed: Option<SealedRow>,
}

/// Rows that no link names.
#[derive(Debug, Clone, Default)]
pub struct Unchained {
    /// Rows that wait to be chained.
    pub waiting: Vec<SealedRow>,
    /// Ids of entries that wait to be chained, but whose rows are gone.
    pub vanished: Vec<Uuid>,
    /// Other rows without a link.
    pub unlinked: Vec<SealedRow>,
}

/// Entry that waits to be chained.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Id of the entry.
    pub id: Uuid,
    /// The row; `None` if it is gone.
    pub sealed: Option<SealedRow>,
}

/// End of a chain, or a position in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainEnd {
    /// Position of the last link; 0 if there is none.
    pub seq: i64,
    /// Hash of the last link; zeros if there is none.
    pub hash: Hash,
}

impl ChainEnd {
    /// Start of a chain that has no link yet.
    pub const GENESIS: Self = Self { seq: 0, hash: [0; HASH_BYTES] };
}

/// What a checkpoint states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckpointKind {
    /// The chain reached this position with this hash.
    Head,
    /// The chain up to this position has expired; it continues after this hash.
    Tombstone,
}

impl CheckpointKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Head, Self::Tombstone];

    /// Returns the name, as it is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Tombstone => "tombstone",
        }
    }
}

/// Statement about a position of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// What it states.
    pub kind: CheckpointKind,
    /// The position and its hash.
    pub end: ChainEnd,
    /// Time of the statement, in whole microseconds.
    pub at: Timestamp,
    /// Of a tombstone: entries from before this time have expired, including those that were chained later.
    pub expired_before: Option<Timestamp>,
}

/// Checkpoint with its signature, which can be verified without the secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The statement.
    pub checkpoint: Checkpoint,
    /// Public key of the signer, as a compressed point of the curve P-256.
    pub public_key: Vec<u8>,
    /// ECDSA signature, 64 bytes.
    pub signature: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_of_a_host_is_an_address() {
        for address in ["127.0.0.1", "::1", "2001:db8::7"] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(Inet::from(address).address(), Some(address));
        }
        let mut network = Inet::from(IpAddr::from([10, 0, 0, 1]));
        network.0[1] = 24;
        assert_eq!(network.address(), None);
        assert_eq!(Inet(vec![2, 32, 0, 4, 1]).address(), None);
    }
}
