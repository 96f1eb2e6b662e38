//! Address of the next stage. It stays valid when that stage restarts.

use std::time::{Duration, Instant};

use actix::{Message, Recipient, dev::ToEnvelope};
use tokio::sync::watch;

use crate::telemetry::STAGE_WAIT_SECONDS;

/// Message that carries a ticket or permits, which limit how many such messages exist.
pub trait Ticketed: Message {}

/// Error returned when a stage is restarting or does not respond in time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("stage `{stage}` cannot be reached")]
pub struct Unreachable {
    /// Name of the stage that could not be reached.
    pub stage: &'static str,
}

/// Address for sending messages of type `M` to a stage. It stays valid when the stage restarts.
pub struct Downstream<M: Message + Send + 'static>
where
    M::Result: Send,
{
    stage: &'static str,
    current: watch::Receiver<Option<Recipient<M>>>,
}

impl<M> Clone for Downstream<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Self { stage: self.stage, current: self.current.clone() }
    }
}

/// Supervisor's end of a [`Downstream`], which points the address at each new incarnation.
pub struct Redirect<M: Message + Send + 'static>
where
    M::Result: Send,
{
    current: watch::Sender<Option<Recipient<M>>>,
}

/// Creates both ends for one kind of message to one stage. The stage is unreachable until the first redirect.
pub fn downstream<M>(stage: &'static str) -> (Redirect<M>, Downstream<M>)
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    let (sender, receiver) = watch::channel(None);
    (Redirect { current: sender }, Downstream { stage, current: receiver })
}

impl<M> Redirect<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Points the address at an incarnation, or at none while the stage is down.
    pub fn follow<A>(&self, address: Option<&actix::Addr<A>>)
    where
        A: actix::Actor + actix::Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.current.send_replace(address.map(|address| address.clone().recipient()));
    }
}

impl<M> Downstream<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Waits up to `timeout` until an incarnation of the stage is running.
    ///
    /// # Errors
    /// [`Unreachable`] if none starts in that time.
    pub async fn wait_until_reachable(&self, timeout: Duration) -> Result<(), Unreachable> {
        let mut current = self.current.clone();
        let reachable = current.wait_for(|to| to.as_ref().is_some_and(Recipient::connected));
        match tokio::time::timeout(timeout, reachable).await {
            Ok(Ok(_)) => return Ok(()),
            // The supervisor is gone, so the process is about to exit. Callers that retry must not spin.
            Ok(Err(_)) => tokio::time::sleep(timeout).await,
            Err(_) => {}
        }
        Err(Unreachable { stage: self.stage })
    }

    /// Returns whether an incarnation of the stage is running.
    pub fn is_reachable(&self) -> bool {
        self.current.borrow().as_ref().is_some_and(Recipient::connected)
    }

    /// Sends a message, waits up to `timeout` for the result, and records in metrics how long that took.
    ///
    /// # Errors
    /// [`Unreachable`] if the stage is down, dies before it responds, or does not respond in time.
    pub async fn send(&self, message: M, timeout: Duration) -> Result<M::Result, Unreachable> {
        let recipient = self.current.borrow().clone();
        let unreachable = Unreachable { stage: self.stage };
        let Some(recipient) = recipient else {
            return Err(unreachable);
        };
        let started = Instant::now();
        let result = tokio::time::timeout(timeout, recipient.send(message)).await;
        metrics::histogram!(STAGE_WAIT_SECONDS, "stage" => self.stage)
            .record(started.elapsed().as_secs_f64());
        match result {
            Ok(Ok(result)) => Ok(result),
            _ => Err(unreachable),
        }
    }

    /// Sends a message without waiting, and drops it if the mailbox is full or the stage is down.
    ///
    /// # Errors
    /// [`Unreachable`] if the message was dropped.
    pub fn try_send(&self, message: M) -> Result<(), Unreachable> {
        let sent = self.current.borrow().as_ref().map(|to| to.try_send(message).is_ok());
        if sent == Some(true) { Ok(()) } else { Err(Unreachable { stage: self.stage }) }
    }

    /// Sends a message without waiting, even if the mailbox is full. Use it only for messages whose number is limited
    /// by tickets or permits. While the stage is down, the message is dropped, which its ticket reports.
    pub fn post(&self, message: M)
    where
        M: Ticketed,
    {
        if let Some(to) = self.current.borrow().as_ref() {
            to.do_send(message);
        }
    }
}
