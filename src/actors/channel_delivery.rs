//! Delivery of a message to a stored channel, for the notifier, the service alerter and test messages.

use jiff::Timestamp;
use tracing::info;

use crate::keyring::DecryptError;
use crate::models::id::ChannelId;
use crate::models::notification::{ChannelKind, ChannelSettings};
use crate::notify::message::{Item, Message, MessageKind, Topic, test_message};
use crate::notify::messenger::{Messenger, Outcome, Recipient};
use crate::notify::retry_policy::{NextStep, plan};
use crate::notify::vapid::VapidKey;
use crate::store::notifications::channels::StoredChannel;
use crate::store::notifications::outbox::{ClaimedMessage, DeliveryOutcome, Settlement};
use crate::store::notifications::push_keys::{self, PushKeyRow};
use crate::store::{Store, StoreError};

/// Name that is bound to the push service key when it is encrypted.
const PUSH_KEY_OWNER: &[u8] = b"push key";

/// Reason why a message could not be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The channel or push service key could not be read from PostgreSQL.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secrets were encrypted with a different key from the one that this process uses.
    #[error(transparent)]
    Sealed(#[from] DecryptError),
}

/// Returns the key pair that identifies this deployment to push services. The first call creates it.
///
/// # Errors
/// If PostgreSQL is down, or the secret half of the stored key pair cannot be decrypted.
pub async fn push_key(store: &Store, messenger: &Messenger) -> Result<VapidKey, DeliveryError> {
    let (new, keyring) = (VapidKey::generate(), messenger.keyring());
    let row = PushKeyRow {
        sealed_by: keyring.fingerprint().to_owned(),
        public_key: new.public_key(),
        sealed: keyring.seal(PUSH_KEY_OWNER, &new.to_bytes()),
    };
    let row = push_keys::get_or_insert(store, row).await?;
    let bytes = keyring.open(PUSH_KEY_OWNER, &row.sealed)?;
    Ok(VapidKey::from_bytes(&bytes).ok_or(DecryptError)?)
}

/// Sends a test message and returns its outcome, without recording it.
///
/// # Errors
/// If the message could not be sent at all.
pub async fn test(
    store: &Store,
    messenger: &Messenger,
    to: &StoredChannel,
) -> Result<Outcome, DeliveryError> {
    let recipient = recipient(store, messenger, to).await?;
    Ok(messenger.send(&recipient, &test_message(Timestamp::now(), messenger.dashboard())).await)
}

/// Decrypts a stored channel, so that it can be notified while PostgreSQL is down.
pub(in crate::actors) async fn recipient(
    store: &Store,
    messenger: &Messenger,
    of: &StoredChannel,
) -> Result<Recipient, DeliveryError> {
    let channel = &of.channel;
    let sealed =
        Sealed { channel: channel.id, kind: channel.kind, settings: &channel.settings, sealed: &of.sealed };
    open(store, messenger, sealed).await
}

/// Makes one attempt to deliver a claimed message, and returns how to settle it.
///
/// # Errors
/// If the message could not be sent at all. Its lease then expires.
pub(in crate::actors) async fn deliver(
    store: &Store,
    messenger: &Messenger,
    claimed: &ClaimedMessage,
) -> Result<Settlement, DeliveryError> {
    let sealed = Sealed {
        channel: claimed.channel,
        kind: claimed.kind,
        settings: &claimed.settings,
        sealed: &claimed.sealed,
    };
    let recipient = open(store, messenger, sealed).await?;
    let items = claimed.items.iter().map(|item| Item {
        topic: Topic::Posts,
        event: item.event,
        at: item.at,
        alert: item.snapshot.clone(),
    });
    let message = Message {
        id: claimed.message,
        kind: if claimed.items.len() > 1 { MessageKind::Digest } else { MessageKind::Single },
        items: items.collect(),
        dashboard: messenger.dashboard(),
    };
    let Outcome { attempt, result } = messenger.send(&recipient, &message).await;
    let n_attempts = claimed.n_attempts + 1;
    let plan = plan(result, claimed.kind, n_attempts, rand::random());
    let outcome = match plan.next {
        NextStep::Sent => DeliveryOutcome::Sent,
        NextStep::Again(wait) => DeliveryOutcome::Retry(wait),
        NextStep::Dead => DeliveryOutcome::DeadLetter,
        NextStep::Disable => DeliveryOutcome::Disable("the receiver no longer exists (410)"),
    };
    info!(
        channel = %claimed.channel,
        kind = claimed.kind.as_str(),
        message = %claimed.message,
        n_attempts,
        status = attempt.status,
        error = attempt.error,
        "notification attempted"
    );
    Ok(Settlement { attempt, outcome, pause: plan.pause })
}

/// Channel whose secrets are still encrypted.
struct Sealed<'a> {
    channel: ChannelId,
    kind: ChannelKind,
    settings: &'a ChannelSettings,
    sealed: &'a [u8],
}

async fn open(store: &Store, messenger: &Messenger, it: Sealed<'_>) -> Result<Recipient, DeliveryError> {
    let secrets = messenger.open(it.channel, it.sealed, it.settings)?;
    let vapid = match it.kind {
        ChannelKind::WebPush => Some(push_key(store, messenger).await?),
        _ => None,
    };
    Ok(Recipient { kind: it.kind, public: it.settings.clone(), secrets, vapid })
}
