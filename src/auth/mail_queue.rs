//! Letters to people with accounts: a bounded queue, and the task that sends them one after another.
//!
//! A password reset is looked up by the task, not by the request that asks for it, so that the response and its time do
//! not show whether the account exists.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, mpsc};
use tracing::{error, warn};

use super::one_time_token::OneTimeToken;
use crate::models::account::Email;
use crate::notify::account_mail::AccountMail;
use crate::notify::messenger::Messenger;
use crate::notify::retry_policy::DeliveryResult;
use crate::store::accounts::password_resets::{self, NewReset};
use crate::store::{Store, StoreError};

/// Maximum number of letters that wait. Sending one takes up to ten seconds, so a longer queue would outlast the links.
const QUEUED_MAX: usize = 128;

/// How long a link that sets a password works: time to find the mail, and no more.
pub const RESET_LIFETIME: SignedDuration = SignedDuration::from_mins(30);

/// Pauses before further attempts. The letters behind wait as well, so there are few.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Letter to send.
#[derive(Clone)]
pub enum MailJob {
    /// Mail a link that sets a new password to the account with this address, if there is one.
    Reset(Email),
    /// Send a letter.
    Send {
        /// Recipient.
        to: Email,
        /// Content.
        mail: AccountMail,
    },
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many letters are waiting")]
pub struct QueueFull;

/// Queue of letters to people with accounts. Clones share it.
#[derive(Clone)]
pub struct MailQueue {
    store: Store,
    messenger: Arc<Messenger>,
    jobs: mpsc::Sender<MailJob>,
    waiting: Arc<Mutex<mpsc::Receiver<MailJob>>>,
}

impl MailQueue {
    /// Creates an empty queue. [`Self::work`] sends what is offered to it.
    pub fn new(store: Store, messenger: Arc<Messenger>) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUED_MAX);
        Self { store, messenger, jobs, waiting: Arc::new(Mutex::new(waiting)) }
    }

    /// Adds a letter to the queue, and returns whether letters can be sent at all. If not, it is dropped.
    ///
    /// # Errors
    /// [`QueueFull`] if too many letters are waiting.
    pub fn offer(&self, job: MailJob) -> Result<bool, QueueFull> {
        if !self.messenger.sends_account_mail() {
            return Ok(false);
        }
        self.jobs.try_send(job).map(|()| true).map_err(|_| QueueFull)
    }

    /// Sends letters, for as long as the process runs, and calls `finished` after each. If the task dies, only the letter
    /// in hand is lost.
    pub async fn work(self, finished: impl Fn() + Send) {
        let mut waiting = self.waiting.lock().await;
        while let Some(job) = waiting.recv().await {
            self.serve(job).await;
            finished();
        }
    }

    async fn serve(&self, job: MailJob) {
        let (to, mail) = match job {
            MailJob::Send { to, mail } => (to, mail),
            MailJob::Reset(email) => match self.link(&email).await {
                Ok(Some(mail)) => (email, mail),
                Ok(None) => return,
                Err(error) => {
                    error!(%error, "a link that sets a password could not be made, its owner has to ask again");
                    return;
                }
            },
        };
        self.send(&to, &mail).await;
    }

    /// Makes a link that sets a new password, if the account exists and was not mailed too many.
    async fn link(&self, email: &Email) -> Result<Option<AccountMail>, StoreError> {
        let mut pauses = PAUSES.iter();
        loop {
            let (OneTimeToken { token, digest }, at) = (OneTimeToken::random(), Timestamp::now());
            let expires_at = at + RESET_LIFETIME;
            let asked =
                password_resets::request(&self.store, email, &NewReset { digest, at, expires_at }).await;
            match (asked, pauses.next()) {
                (Ok(true), _) => return Ok(Some(AccountMail::PasswordReset { token, expires_at })),
                (Ok(false), _) => return Ok(None),
                (Err(error), Some(pause)) if error.is_retryable() => tokio::time::sleep(*pause).await,
                (Err(error), _) => return Err(error),
            }
        }
    }

    async fn send(&self, to: &Email, mail: &AccountMail) {
        let dashboard = self.messenger.dashboard().unwrap_or_default();
        let (letter, to) = (mail.letter(&dashboard), [to.as_str().to_owned()]);
        for pause in PAUSES.iter().map(Some).chain([None]) {
            let outcome = self.messenger.send_letter(&to, letter.clone()).await;
            if outcome.result == DeliveryResult::Delivered {
                return;
            }
            let reason = outcome.attempt.error.unwrap_or_default();
            let Some(pause) = pause else {
                error!(reason, "a letter about an account was not accepted and is given up");
                return;
            };
            warn!(reason, "a letter about an account was not accepted, will try again");
            tokio::time::sleep(*pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::allowlist::Allowlist;
    use crate::keyring::Keyring;
    use crate::notify::messenger::MessengerParams;
    use crate::store::testing::test_store;

    async fn queue(mail: Option<&str>, dashboard: Option<&str>) -> MailQueue {
        let params = MessengerParams {
            allowed: Allowlist::default(),
            keyring: Keyring::ephemeral(),
            mail: mail.map(|url| (url.to_owned(), "mood@example.org".to_owned())),
            pagerduty_url: "https://events.pagerduty.com/v2/enqueue".to_owned(),
            push_subject: "mailto:nobody@example.com".to_owned(),
            dashboard: dashboard.map(str::to_owned),
        };
        MailQueue::new(test_store().await, Arc::new(Messenger::new(params).unwrap()))
    }

    #[tokio::test]
    async fn letters_queue_up_to_a_limit_and_only_if_they_can_be_sent() {
        let job = || MailJob::Reset("ana@example.com".parse().unwrap());
        let (server, dashboard) = (Some("smtp://127.0.0.1:1"), Some("https://mood.example.org"));
        for (mail, dashboard) in [(None, dashboard), (server, None)] {
            let queue = queue(mail, dashboard).await;
            for _ in 0..=QUEUED_MAX {
                assert_eq!(queue.offer(job()), Ok(false));
            }
        }
        let queue = queue(server, dashboard).await;
        for _ in 0..QUEUED_MAX {
            assert_eq!(queue.offer(job()), Ok(true));
        }
        assert_eq!(queue.offer(job()), Err(QueueFull));
    }
}
