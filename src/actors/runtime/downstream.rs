//! The address of the next stage, which outlives any one incarnation of it.

use std::time::{Duration, Instant};

use actix::{Message, Recipient, dev::ToEnvelope};
use tokio::sync::watch;

use crate::telemetry::STAGE_WAIT_SECONDS;

/// A message that carries a ticket, or places, which bounds how many of its kind there are.
pub trait Ticketed: Message {}

/// The stage could not be reached before the deadline: it is being rebuilt, or does not answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("stage `{stage}` cannot be reached")]
pub struct Unreachable {
    /// Which stage.
    pub stage: &'static str,
}

/// Where to send messages of type `M`; follows the stage through its respawns.
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

/// The supervisor's end: points a [`Downstream`] at each new incarnation.
pub struct Redirect<M: Message + Send + 'static>
where
    M::Result: Send,
{
    current: watch::Sender<Option<Recipient<M>>>,
}

/// Makes both ends for one kind of message of one stage. Nothing is reachable until the first redirect.
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
    /// Sends everything from now on to this incarnation; to nobody while there is none.
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
    /// Waits until there is a living incarnation, at most `timeout`.
    ///
    /// # Errors
    /// [`Unreachable`] when there was none in that time.
    pub async fn wait_until_reachable(&self, timeout: Duration) -> Result<(), Unreachable> {
        let mut current = self.current.clone();
        let reachable = current.wait_for(|to| to.as_ref().is_some_and(Recipient::connected));
        match tokio::time::timeout(timeout, reachable).await {
            Ok(Ok(_)) => return Ok(()),
            // Its supervisor is gone, and so will this process be; callers that ask again must not spin.
            Ok(Err(_)) => tokio::time::sleep(timeout).await,
            Err(_) => {}
        }
        Err(Unreachable { stage: self.stage })
    }

    /// Whether there is a living incarnation at this moment.
    pub fn is_reachable(&self) -> bool {
        self.current.borrow().as_ref().is_some_and(Recipient::connected)
    }

    /// Sends and waits for the answer, at most `timeout`. Measures the waiting.
    ///
    /// # Errors
    /// [`Unreachable`] when the stage is away, dies meanwhile, or does not answer in time.
    pub async fn send(&self, message: M, timeout: Duration) -> Result<M::Result, Unreachable> {
        let recipient = self.current.borrow().clone();
        let unreachable = Unreachable { stage: self.stage };
        let Some(recipient) = recipient else {
            return Err(unreachable);
        };
        let started = Instant::now();
        let answer = tokio::time::timeout(timeout, recipient.send(message)).await;
        metrics::histogram!(STAGE_WAIT_SECONDS, "stage" => self.stage)
            .record(started.elapsed().as_secs_f64());
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(unreachable),
        }
    }

    /// Sends without waiting, or gives the message up when the mailbox is full or nobody is there.
    ///
    /// # Errors
    /// [`Unreachable`] when it was given up.
    pub fn try_send(&self, message: M) -> Result<(), Unreachable> {
        let sent = self.current.borrow().as_ref().map(|to| to.try_send(message).is_ok());
        if sent == Some(true) { Ok(()) } else { Err(Unreachable { stage: self.stage }) }
    }

    /// Sends without waiting. Only for messages with a ticket, which bounds their number: the mailbox takes
    /// more than its capacity. When nobody is there the message is dropped, and its ticket says so.
    pub fn post(&self, message: M)
    where
        M: Ticketed,
    {
        if let Some(to) = self.current.borrow().as_ref() {
            to.do_send(message);
        }
    }
}
