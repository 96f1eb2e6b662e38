//! Connection to Redis, with its timeouts and reconnection.

use std::time::Duration;

use fred::clients::WithOptions;
use fred::interfaces::ClientLike;
use fred::types::config::{Config, Options, ReconnectPolicy, UnresponsiveConfig};
use fred::types::{Builder, ClusterHash, CustomCommand, RespVersion, Value};
use tokio::task::AbortHandle;
use tracing::warn;

use super::{COMMAND_TIMEOUT, StreamError, StreamParams};

/// Maximum time that a read may block. This is well below [`UNRESPONSIVE_AFTER`], because a quiet stream would
/// otherwise look like a dead connection.
pub(super) const BLOCK_MAX: Duration = Duration::from_secs(5);

/// Time without a response after which a connection is closed and opened again.
const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(8);

/// Maximum number of commands waiting to be sent. If there are more, Redis is so slow that they would only fill memory.
const COMMANDS_WAITING_MAX: usize = 4_096;

/// Maximum number of received updates waiting to be read. Any further updates are dropped and reported as a gap.
const UPDATES_WAITING_MAX: usize = 1_024;

/// Purpose of a connection, which determines its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Many short commands, which share the connection.
    Commands,
    /// Reads that may block, one at a time.
    BlockingReads,
    /// Published messages, with pings in between. This requires RESP3.
    Subscription,
}

/// Connection that is reopened whenever it breaks. While it is down, commands fail at once.
#[derive(Clone)]
pub(super) struct Client {
    inner: WithOptions<fred::clients::Client>,
    task: AbortHandle,
}

impl Client {
    /// Starts connecting, and waits briefly for the connection to open.
    pub async fn connect(params: &StreamParams, protocol: Protocol) -> Result<Self, StreamError> {
        let mut config = Config::from_url(&params.redis_url)?;
        config.fail_fast = false;
        if protocol == Protocol::Subscription {
            config.version = RespVersion::RESP3;
        }
        let client = Builder::from_config(config)
            .with_performance_config(|config| {
                config.default_command_timeout = COMMAND_TIMEOUT;
                config.broadcast_channel_capacity = UPDATES_WAITING_MAX;
            })
            .with_connection_config(|config| {
                config.connection_timeout = COMMAND_TIMEOUT;
                config.internal_command_timeout = COMMAND_TIMEOUT;
                config.max_command_buffer_len = COMMANDS_WAITING_MAX;
                config.unresponsive = UnresponsiveConfig {
                    max_timeout: Some(UNRESPONSIVE_AFTER),
                    interval: Duration::from_secs(1),
                };
            })
            // Without a policy, fred gives up at the first disconnection.
            .set_policy(ReconnectPolicy::new_exponential(0, 50, 1_000, 2))
            .build()?;
        let task = client.connect().abort_handle();
        match tokio::time::timeout(COMMAND_TIMEOUT, client.wait_for_connect()).await {
            Ok(connected) => connected?,
            Err(_) => warn!("redis does not respond yet, still connecting"),
        }
        // Each command is attempted once: a command retried internally could run long after the caller's timeout.
        let options = Options { fail_fast: true, max_attempts: Some(1), ..Options::default() };
        Ok(Self { inner: client.with_options(&options), task })
    }

    /// Returns fred's command interface, with the options of this connection.
    pub fn commands(&self) -> &WithOptions<fred::clients::Client> {
        &self.inner
    }

    /// Returns fred's command interface with a different timeout, for one command on the same connection.
    pub fn with_timeout(&self, timeout: Duration) -> WithOptions<fred::clients::Client> {
        let options = Options { timeout: Some(timeout), ..self.inner.options().clone() };
        fred::clients::Client::clone(&self.inner).with_options(&options)
    }

    /// Runs a script atomically: Redis runs nothing else until it has finished.
    ///
    /// The text is sent every time, because it is short and Redis caches the compiled script under its hash.
    pub async fn eval(&self, script: Script<'_>, args: Vec<Value>) -> Result<Value, StreamError> {
        // fred's own `eval` takes no options: it would wait for an unavailable Redis and hold back every later
        // command until the response arrives.
        let eval = CustomCommand::new_static("EVAL", ClusterHash::FirstKey, false);
        let n_keys = Value::from(script.keys.len().to_string());
        let mut all = vec![Value::from_static_str(script.lua), n_keys];
        all.extend(script.keys.iter().map(|key| Value::from(*key)));
        all.extend(args);
        Ok(self.inner.custom(eval, all).await?)
    }

    /// Checks that Redis responds.
    pub async fn ping(&self) -> Result<(), StreamError> {
        let _: Value = self.inner.ping(None).await?;
        Ok(())
    }

    /// Closes the connection and ends the task that serves it.
    pub async fn close(&self) {
        // Bypasses the options: with fail-fast set, fred would refuse to send QUIT. An error means that the connection is
        // down or already closed.
        let _ = fred::clients::Client::clone(&self.inner).quit().await;
        self.task.abort();
    }
}

/// Lua script and the keys it accesses, in `KEYS` order.
pub(super) struct Script<'a> {
    pub lua: &'static str,
    pub keys: &'a [&'a str],
}
