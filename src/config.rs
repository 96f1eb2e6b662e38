//! Every setting: type, default, variable, check. The only place that reads the environment.
//!
//! Each is an option of `serve` and a variable; the option wins. `clap` does both from one definition, which is why there
//! is no second configuration library.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::embedded::RedisFsync;
use crate::enrich::ProductRule;
use crate::inference::{LoadParams, ModelChoice};
use crate::models::metrics::LiveWindow;
use crate::models::notification::ChannelKind;
use crate::models::origin::Origin;
use crate::notify::allowlist::Allowlist;
use crate::notify::destinations::{self, Destination};
use crate::notify::egress::Egress;
use crate::notify::keyring::SECRET_CHARACTERS_MIN;
use crate::stream::HistoryLimits;

/// All settings as they are read. Combinations are checked by [`Config::check`].
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// PostgreSQL to use; with REDIS_URL unset too, a private one is started
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Redis to use; with DATABASE_URL unset too, a private one is started
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// The ONNX Runtime library; looked for beside the executable and in the checkout when absent
    #[arg(long, env = "ORT_DYLIB_PATH")]
    pub ort_dylib_path: Option<PathBuf>,
    /// The folder that holds one folder per model; found like the library when absent
    #[arg(long, env = "GROUNDSWELL_WEIGHTS_DIR")]
    pub weights_dir: Option<PathBuf>,
    /// Which model scores every post at once: lexicon, or names under the weights folder or folders of models, separated by
    /// commas, of which the first that has a head answers it
    #[arg(long, visible_alias = "model", env = "GROUNDSWELL_FAST_MODEL", default_value = "swift")]
    pub fast_model: ModelChoice,
    /// Which model corrects what the fast one is unsure of: likewise, or none
    #[arg(long, env = "GROUNDSWELL_DEEP_MODEL", default_value = "deep")]
    pub deep_model: ModelChoice,
    /// Megabytes in which each model remembers what it has read, since retweets repeat; 0 reads every text anew
    #[arg(long, env = "GROUNDSWELL_RESULT_CACHE_MB", default_value_t = 32)]
    pub result_cache_mb: usize,
    /// How long after its arrival a post may be corrected by the deep model, such as 1s or 500ms, up to 15s; 0 leaves
    /// everything to the fast one
    #[arg(long, env = "GROUNDSWELL_LATENCY_BUDGET", default_value = "1s", value_parser = latency_budget)]
    pub latency_budget: Duration,
    /// Processes of the deep model, which runs on CPU that would otherwise be idle; 0 is one for each core
    #[arg(long, env = "GROUNDSWELL_DEEP_THREADS", default_value_t = 0)]
    pub deep_threads: usize,
    /// Where the private servers keep their files
    #[arg(long, env = "GROUNDSWELL_DATA_DIR", default_value = ".groundswell")]
    pub data_dir: PathBuf,
    /// Where to listen; port 0 picks a free one
    #[arg(long, env = "GROUNDSWELL_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The bearer token every call must carry; required on any address but loopback
    #[arg(long, env = "GROUNDSWELL_AUTH_TOKEN", hide_env_values = true)]
    pub auth_token: Option<String>,
    /// Listen on any address without a token
    #[arg(long, env = "GROUNDSWELL_INSECURE_OPEN", default_value = "false", num_args = 0..=1, default_missing_value = "true")]
    pub insecure_open: bool,
    /// Further Host values to answer, separated by commas, such as dashboard.example.org
    #[arg(long, env = "GROUNDSWELL_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Pages of other sites that may connect, and call and read the whole API as far as no token is asked for or they show it;
    /// each exactly as browsers name it, such as `https://dash.example.org`; several are separated by commas, or the option is
    /// repeated
    #[arg(long = "allowed-origin", env = "GROUNDSWELL_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<Origin>,
    /// Put before every Redis key, so that several can share one Redis
    #[arg(long, env = "GROUNDSWELL_PREFIX", default_value = "")]
    pub prefix: String,
    /// What this process does, separated by commas
    #[arg(long, env = "GROUNDSWELL_ROLES", value_delimiter = ',', default_value = "ingest,alert,web")]
    pub roles: Vec<Role>,
    /// When the private Redis writes to disk: a power cut loses nothing (always) or up to a second of what was
    /// accepted (every-sec); the death of a process loses nothing either way
    #[arg(long, env = "GROUNDSWELL_REDIS_FSYNC", default_value = "every-sec")]
    pub redis_fsync: Fsync,
    /// Whether the private PostgreSQL writes to disk before it answers; false is for tests only
    #[arg(long, env = "GROUNDSWELL_DURABLE", default_value = "true", action = clap::ArgAction::Set)]
    pub durable: bool,
    /// Products found by keyword: Name=word,word;Name=word
    #[arg(long, env = "GROUNDSWELL_PRODUCTS", default_value = "")]
    pub products: String,
    /// Days posts are kept, and alerts and silences once they are over; older posts are rejected
    #[arg(long, env = "GROUNDSWELL_RETENTION_DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub retention_days: u32,
    /// Entries that may wait in Redis before ingest answers 429
    #[arg(long, env = "GROUNDSWELL_HIGH_WATER", default_value_t = 500_000)]
    pub high_water: u64,
    /// Posts in a batch, at most
    #[arg(long, env = "GROUNDSWELL_BATCH_SIZE", default_value_t = 500)]
    pub batch_size: usize,
    /// Batches in flight, at most; bounds what a burst piles up in memory, the rest waits in Redis
    #[arg(long, env = "GROUNDSWELL_BATCHES_IN_FLIGHT", default_value_t = 8)]
    pub batches_in_flight: usize,
    /// Posts in one transaction, at most
    #[arg(long, env = "GROUNDSWELL_POSTS_PER_COMMIT", default_value_t = 1_000)]
    pub posts_per_commit: usize,
    /// Threads that score; 0 is one for each core, at most two
    #[arg(long, env = "GROUNDSWELL_INFERENCE_THREADS", default_value_t = 0)]
    pub inference_threads: usize,
    /// Milliseconds an entry must have been silent before another process takes it over
    #[arg(long, env = "GROUNDSWELL_CLAIM_IDLE_MS", default_value_t = 5_000)]
    pub claim_idle_ms: u64,
    /// Posts pushed to browsers each second, at most; above it the feed is a sample
    #[arg(long, env = "GROUNDSWELL_LIVE_POSTS_PER_SECOND", default_value_t = 2_000)]
    pub live_posts_per_second: u64,
    /// Length of the live window, 10s to 15m in steps of ten seconds, such as 60s or 5m
    #[arg(long, env = "GROUNDSWELL_LIVE_WINDOW", default_value = "60s")]
    pub live_window: LiveWindow,
    /// Browsers that may be connected at the same time
    #[arg(long, env = "GROUNDSWELL_SOCKETS_MAX", default_value_t = 10_000)]
    pub sockets_max: u64,
    /// Seconds a browser may take nothing of what waits for it before its connection is ended
    #[arg(long, env = "GROUNDSWELL_SOCKET_STALL_S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub socket_stall_s: u64,
    /// Seconds for which live news is kept, so that a browser that comes back gets what it missed
    #[arg(long, env = "GROUNDSWELL_HISTORY_S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub history_s: u64,
    /// Updates of live news that are kept, at most; each is a transaction with its posts, or an alert
    #[arg(long, env = "GROUNDSWELL_HISTORY_UPDATES", default_value_t = 10_000)]
    pub history_updates: usize,
    /// Megabytes of live news that are kept, at most, in Redis and about twice as many in each process
    #[arg(long, env = "GROUNDSWELL_HISTORY_MB", default_value_t = 32)]
    pub history_mb: usize,
    /// Maximum PostgreSQL connections for storing posts, and as many for API reads; exports use a quarter of the latter
    #[arg(long, env = "GROUNDSWELL_POOL_SIZE", default_value_t = 8)]
    pub pool_size: usize,
    /// Maximum PostgreSQL connections for alerting and health checks; with two for leader locks, four processes need 88
    #[arg(long, env = "GROUNDSWELL_ALERT_POOL_SIZE", default_value_t = 4)]
    pub alert_pool_size: usize,
    /// Maximum concurrent exports; further ones are answered 429
    #[arg(long, env = "GROUNDSWELL_EXPORTS_MAX", default_value_t = 16)]
    pub exports_max: usize,
    /// Seconds after which an export whose client reads nothing is closed
    #[arg(long, env = "GROUNDSWELL_EXPORT_STALL_S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub export_stall_s: u64,
    /// Where notifications may be sent besides the public internet: subnets, addresses and host names, separated by commas;
    /// for these, plain http is allowed as well
    #[arg(long, env = "GROUNDSWELL_NOTIFY_ALLOW", value_delimiter = ',')]
    pub notify_allow: Vec<String>,
    /// What the secrets of notification channels are encrypted with, at least 32 characters; the same for every process
    /// that shares a database; kept in the file secret.key of the data folder when absent
    #[arg(long, env = "GROUNDSWELL_SECRET_KEY", hide_env_values = true)]
    pub secret_key: Option<String>,
    /// The mail server: smtps://user:password@host, smtp://…?tls=required, smtp://…?tls=opportunistic or smtp://…
    #[arg(long, env = "GROUNDSWELL_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Whom mail comes from, such as Groundswell <mood@example.org>
    #[arg(long, env = "GROUNDSWELL_SMTP_FROM")]
    pub smtp_from: Option<String>,
    /// The address under which people reach the dashboard, which messages link to
    #[arg(long, env = "GROUNDSWELL_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Whom push services may ask about this server, a mailto: or https: address; the sender of mail when absent
    #[arg(long, env = "GROUNDSWELL_PUSH_SUBJECT")]
    pub push_subject: Option<String>,
    /// Where PagerDuty takes events; accounts in Europe have another address
    #[arg(
        long,
        env = "GROUNDSWELL_PAGERDUTY_URL",
        default_value = "https://events.pagerduty.com/v2/enqueue"
    )]
    pub pagerduty_url: String,
    /// Channels that get service alerts, even while PostgreSQL or Redis is down, separated by commas:
    /// webhook+https://host/path#whsec_…, slack+https://host/path, mailto:address or pagerduty:key
    #[arg(
        long = "operator-channel",
        env = "GROUNDSWELL_OPERATOR_CHANNELS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub operator_channels: Vec<String>,
    /// Seconds for which a problem must last before a service alert is sent
    #[arg(long, env = "GROUNDSWELL_SERVICE_ALERT_AFTER_S", default_value_t = 15, value_parser = clap::value_parser!(i64).range(1..=600))]
    pub service_alert_after_s: i64,
    /// Name of this process in service alerts; host name and port when absent
    #[arg(long, env = "GROUNDSWELL_INSTANCE")]
    pub instance: Option<String>,
    /// Seconds between two looks for what is unusual; an alert opens after two to four of them, by sensitivity
    #[arg(long, env = "GROUNDSWELL_SIGNALS_EVERY_S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub signals_every_s: u64,
    /// What is logged, in the syntax of RUST_LOG
    #[arg(
        long,
        env = "GROUNDSWELL_LOG",
        default_value = "info,fred=error,refinery_core=warn,actix_server=warn"
    )]
    pub log: String,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Reads the stream, scores and stores.
    Ingest,
    /// Judges windows and raises alerts.
    Alert,
    /// Answers HTTP and WebSockets. Without it only `/health`, `/livez`, `/readyz`, `/metrics` and `/api/v1/system` answer.
    Web,
}

/// When the private Redis writes to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fsync {
    /// Before it answers.
    Always,
    /// Once a second.
    EverySec,
}

impl From<Fsync> for RedisFsync {
    fn from(fsync: Fsync) -> Self {
        match fsync {
            Fsync::Always => Self::Always,
            Fsync::EverySec => Self::EverySec,
        }
    }
}

/// Where the two servers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// Started and stopped by this process.
    Embedded,
    /// Given by URL.
    External {
        /// Where PostgreSQL is.
        database_url: String,
        /// Where Redis is.
        redis_url: String,
    },
}

/// Why the settings make no sense. The message says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Only one of the two URLs is set.
    #[error("`{set}` is set and `{unset}` is not: set both, or neither to run private servers")]
    OneServer {
        /// The one that is set.
        set: &'static str,
        /// The one that is not.
        unset: &'static str,
    },
    /// Strangers could reach it.
    #[error(
        "`{0}` can be reached from other machines: set `GROUNDSWELL_AUTH_TOKEN`, or pass `--insecure-open` to let everybody in"
    )]
    OpenToAll(SocketAddr),
    /// A value is not one of those there are.
    #[error("`{variable}`: {problem}")]
    Invalid {
        /// Which variable.
        variable: &'static str,
        /// What is wrong with it, and what it may be.
        problem: String,
    },
}

impl Config {
    /// Checks what no single value shows.
    ///
    /// # Errors
    /// The first thing found that makes no sense.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.servers()?;
        self.product_rules()?;
        self.notify_allowlist()?;
        self.operators()?;
        if self.smtp_url.is_some() != self.smtp_from.is_some() {
            return Err(invalid("GROUNDSWELL_SMTP_URL", "and GROUNDSWELL_SMTP_FROM must be set together"));
        }
        if self.secret_key.as_ref().is_some_and(|key| key.trim().len() < SECRET_CHARACTERS_MIN) {
            return Err(invalid("GROUNDSWELL_SECRET_KEY", "must be at least 32 characters long"));
        }
        if !self.listen.ip().is_loopback() && self.auth_token.is_none() && !self.insecure_open {
            return Err(ConfigError::OpenToAll(self.listen));
        }
        if self.fast_model == ModelChoice::Off {
            return Err(invalid("GROUNDSWELL_FAST_MODEL", "must name a model: every post is scored"));
        }
        let positive = [
            ("GROUNDSWELL_BATCH_SIZE", self.batch_size),
            ("GROUNDSWELL_BATCHES_IN_FLIGHT", self.batches_in_flight),
            ("GROUNDSWELL_POSTS_PER_COMMIT", self.posts_per_commit),
            ("GROUNDSWELL_POOL_SIZE", self.pool_size),
            ("GROUNDSWELL_ALERT_POOL_SIZE", self.alert_pool_size),
            ("GROUNDSWELL_EXPORTS_MAX", self.exports_max),
            ("GROUNDSWELL_HISTORY_UPDATES", self.history_updates),
            ("GROUNDSWELL_HISTORY_MB", self.history_mb),
        ];
        for (variable, value) in positive {
            if value == 0 {
                return Err(invalid(variable, "must be at least 1"));
            }
        }
        // Longer, and what a killed process left behind would not be back within ten seconds.
        // Shorter, and processes would take entries from each other between two signs of life.
        if !(3_000..=5_000).contains(&self.claim_idle_ms) {
            return Err(invalid("GROUNDSWELL_CLAIM_IDLE_MS", "must lie between 3000 and 5000"));
        }
        if self.auth_token.as_ref().is_some_and(|token| token.len() < TOKEN_BYTES_MIN) {
            return Err(invalid("GROUNDSWELL_AUTH_TOKEN", "must be at least 16 bytes long"));
        }
        Ok(())
    }

    /// Whose servers to use.
    ///
    /// # Errors
    /// [`ConfigError::OneServer`] when only one is given.
    pub fn servers(&self) -> Result<Servers, ConfigError> {
        match (self.database_url.clone(), self.redis_url.clone()) {
            (None, None) => Ok(Servers::Embedded),
            (Some(database_url), Some(redis_url)) => Ok(Servers::External { database_url, redis_url }),
            (Some(_), None) => Err(ConfigError::OneServer { set: "DATABASE_URL", unset: "REDIS_URL" }),
            (None, Some(_)) => Err(ConfigError::OneServer { set: "REDIS_URL", unset: "DATABASE_URL" }),
        }
    }

    /// The products to look for.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] when the list is not of the form `Name=word,word;Name=word`.
    pub fn product_rules(&self) -> Result<Vec<ProductRule>, ConfigError> {
        const FORM: &str = "must be of the form `Name=word,word;Name=word`";
        let mut rules: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for rule in self.products.split(';').map(str::trim).filter(|rule| !rule.is_empty()) {
            let (name, words) = rule.split_once('=').ok_or_else(|| invalid("GROUNDSWELL_PRODUCTS", FORM))?;
            let words: Vec<String> =
                words.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
            if name.trim().is_empty() || words.is_empty() {
                return Err(invalid("GROUNDSWELL_PRODUCTS", FORM));
            }
            rules.entry(name.trim()).or_default().extend(words);
        }
        Ok(rules
            .into_iter()
            .map(|(name, keywords)| ProductRule { name: name.to_owned(), keywords })
            .collect())
    }

    /// How much live news is kept.
    pub fn history_limits(&self) -> HistoryLimits {
        HistoryLimits {
            n_updates_max: self.history_updates,
            bytes_max: self.history_mb.saturating_mul(1 << 20),
            age_max: Duration::from_secs(self.history_s),
        }
    }

    /// Where notifications may be sent besides the public internet.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] naming the first entry that is no subnet, address or host name.
    pub fn notify_allowlist(&self) -> Result<Allowlist, ConfigError> {
        Allowlist::parse(self.notify_allow.iter().map(String::as_str)).map_err(|entry| {
            let problem = format!("`{entry}` is no subnet, address or host name");
            invalid("GROUNDSWELL_NOTIFY_ALLOW", &problem)
        })
    }

    /// Who is notified of what is wrong with this server.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] naming the first entry that cannot be used by its place, since it may hold a secret.
    pub fn operators(&self) -> Result<Vec<Destination>, ConfigError> {
        const VARIABLE: &str = "GROUNDSWELL_OPERATOR_CHANNELS";
        let egress =
            Egress::new(self.notify_allowlist()?).map_err(|error| invalid(VARIABLE, &error.to_string()))?;
        let mut operators = Vec::new();
        for (i, text) in self.operator_channels.iter().enumerate() {
            let destination = destinations::parse(&egress, text)
                .map_err(|problem| invalid(VARIABLE, &format!("entry {} {problem}", i + 1)))?;
            if destination.receiver.kind == ChannelKind::Email && self.smtp_url.is_none() {
                let problem = format!("entry {} needs a mail server: set GROUNDSWELL_SMTP_URL", i + 1);
                return Err(invalid(VARIABLE, &problem));
            }
            operators.push(destination);
        }
        Ok(operators)
    }

    /// How this process is called in alerts about the service. The same after a restart, where the port is.
    pub fn instance(&self) -> String {
        if let Some(instance) = &self.instance {
            return instance.clone();
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = if host.trim().is_empty() { "localhost" } else { host.trim() };
        match self.listen.port() {
            0 => format!("{host}/{}", std::process::id()),
            port => format!("{host}:{port}"),
        }
    }

    /// Whom push services may ask about us.
    pub fn push_subject(&self) -> String {
        if let Some(subject) = &self.push_subject {
            return subject.clone();
        }
        let sender = self.smtp_from.as_deref().and_then(|from| from.rsplit('<').next());
        let sender = sender.map_or("nobody@example.com", |address| address.trim_end_matches('>').trim());
        format!("mailto:{sender}")
    }

    /// Which models to load, and from where.
    pub fn load_params(&self) -> LoadParams {
        LoadParams {
            fast: self.fast_model.clone(),
            deep: self.deep_model.clone(),
            weights_dir: self.weights_dir.clone(),
            runtime_library: self.ort_dylib_path.clone(),
            executable: std::env::current_exe().ok(),
            cache_bytes: self.result_cache_mb.saturating_mul(1 << 20),
            ..LoadParams::default()
        }
    }

    /// How many threads score.
    pub fn n_inference_threads(&self) -> usize {
        if self.inference_threads > 0 {
            return self.inference_threads;
        }
        // The fast model needs no more: the servers need the other cores.
        std::thread::available_parallelism().map_or(1, usize::from).min(2)
    }

    /// How many threads correct.
    pub fn n_deep_threads(&self) -> usize {
        if self.deep_threads > 0 {
            return self.deep_threads;
        }
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// Whether this process does that.
    pub fn does(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// A shorter token can be guessed.
const TOKEN_BYTES_MIN: usize = 16;

/// Longer, and others would take up what a living process still has in hand: it is half of its claim
/// ([`crate::store::corrections::FIRST_CLAIM`]), since a post may be late by as much again.
const LATENCY_BUDGET_MAX: Duration = Duration::from_secs(15);

/// `1s`, `500ms` or `0`.
fn latency_budget(text: &str) -> Result<Duration, String> {
    const FORM: &str = "must be of the form `1s`, `500ms` or `0`";
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| FORM)?;
    let budget = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "" if number == 0 => Duration::ZERO,
        _ => return Err(FORM.to_owned()),
    };
    if budget > LATENCY_BUDGET_MAX {
        return Err("must be at most 15s".to_owned());
    }
    Ok(budget)
}

fn invalid(variable: &'static str, problem: &str) -> ConfigError {
    ConfigError::Invalid { variable, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests;
