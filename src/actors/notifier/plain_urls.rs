//! Encrypts the URLs of webhooks that earlier versions stored in clear.

use jiff::Timestamp;
use tracing::{info, warn};

use crate::models::id::ChannelId;
use crate::models::person_name::Stamp;
use crate::notify::messenger::Messenger;
use crate::store::notifications::channels::{self, Resealed, StoredChannel};
use crate::store::{Store, StoreError};

/// Encrypts the URLs that this process has the key for. A channel that somebody changes meanwhile is left for the next
/// start; until then, its URL is used as it is stored, and responses do not show it.
pub(super) async fn seal(store: &Store, messenger: &Messenger) {
    match seal_all(store, messenger).await {
        Ok(0) => {}
        Ok(n_sealed) => info!(n_sealed, "the urls of webhooks are now encrypted"),
        Err(error) => warn!(%error, "the urls of webhooks were not encrypted, retrying at the next start"),
    }
}

async fn seal_all(store: &Store, messenger: &Messenger) -> Result<usize, StoreError> {
    let mut n_sealed = 0;
    for stored in channels::with_plain_urls(store, messenger.keyring().fingerprint()).await? {
        let id = stored.channel.id;
        match resealed(messenger, stored) {
            Some(resealed) => {
                n_sealed += usize::from(channels::reseal(store, id, &resealed).await?.is_some())
            }
            None => warn_unreadable(id),
        }
    }
    Ok(n_sealed)
}

/// Returns the secrets with the URL among them; `None` if they cannot be decrypted.
fn resealed(messenger: &Messenger, stored: StoredChannel) -> Option<Resealed> {
    let StoredChannel { channel, sealed: old, sealed_by } = stored;
    let secrets = messenger.open(channel.id, &old, &channel.settings).ok()?;
    let sealed = messenger.seal(channel.id, &secrets);
    let stamp = Stamp::without_name(Timestamp::now());
    Some(Resealed { stamp, old, sealed, sealed_by, settings: channel.settings.sealed() })
}

fn warn_unreadable(channel: ChannelId) {
    warn!(%channel, "the url of a webhook was not encrypted, because its secrets cannot be decrypted");
}
