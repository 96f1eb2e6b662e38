//! `groundswell sources`: manages the sources of a running server.

use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, ApiTarget};
use crate::models::source::budget::Budget;
use crate::models::source::credentials::Credentials;
use crate::models::source::mapping::{InvalidPointer, Pointer, PostMapping};
use crate::models::source::{
    Network, NewSource, RevealedSource, Source, SourceSettings, SourceState, SourceTest,
};
use crate::store::page::Page;

/// Subcommands of `groundswell sources`.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum SourcesCommand {
    /// List sources: as text on a terminal, and otherwise as JSON lines
    List {
        #[command(flatten)]
        target: ApiTarget,
    },
    /// Add a source, which the server starts within seconds
    Add {
        /// Network to read from: bluesky, feed, mastodon, reddit, x or youtube; or webhook, to which other systems
        /// deliver posts
        #[arg(value_parser = network)]
        network: Network,
        /// Name of the source, which must be unique; by default, the name of the network
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        settings: Box<SettingArgs>,
        #[command(flatten)]
        credentials: CredentialArgs,
        #[command(flatten)]
        target: ApiTarget,
    },
    /// Test the connection of a source
    Test {
        /// Name or id of the source
        source: String,
        #[command(flatten)]
        target: ApiTarget,
    },
    /// Pause a source; once resumed, it continues where it stopped
    Pause {
        /// Name or id of the source
        source: String,
        #[command(flatten)]
        target: ApiTarget,
    },
    /// Resume a source, or restart one that has stopped
    Resume {
        /// Name or id of the source
        source: String,
        #[command(flatten)]
        target: ApiTarget,
    },
    /// Replace the secret of a webhook, and show the new one
    RotateSecret {
        /// Name or id of the source
        source: String,
        #[command(flatten)]
        target: ApiTarget,
    },
    /// Replace the credentials of a source; without any options, remove them
    SetCredentials {
        /// Name or id of the source
        source: String,
        #[command(flatten)]
        credentials: CredentialArgs,
        #[command(flatten)]
        target: ApiTarget,
    },
    /// Read the posts of the last hours again; those that are already stored are not counted again
    Backfill {
        /// Name or id of the source
        source: String,
        /// Number of hours before now
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..=36))]
        hours: i64,
        #[command(flatten)]
        target: ApiTarget,
    },
    /// Remove a source; its posts are kept
    Remove {
        /// Name or id of the source
        source: String,
        #[command(flatten)]
        target: ApiTarget,
    },
}

/// Settings of a new source.
#[derive(Debug, Clone, clap::Args)]
pub struct SettingArgs {
    /// Address of the host to read from; by default, the network's own; for Mastodon, that of the instance
    #[arg(long)]
    base_url: Option<String>,
    /// Address of the feed
    #[arg(long)]
    feed_url: Option<String>,
    /// Seconds between requests for a feed (300 by default), between visits to an instance that does not stream (60 by
    /// default), or between searches (3,600 by default)
    #[arg(long)]
    interval_s: Option<u32>,
    /// Hashtag to read on Mastodon, without #; repeat the option for up to 20
    #[arg(long = "tag")]
    tags: Vec<String>,
    /// Read only posts that were written on the instance itself
    #[arg(long)]
    only_local: bool,
    /// Query in the network's own language that selects posts; may be given several times
    #[arg(long = "query")]
    queries: Option<Vec<String>>,
    /// Subreddit to read on Reddit, without r/; repeat it for up to 25
    #[arg(long = "subreddit")]
    subreddits: Option<Vec<String>>,
    /// Also read what the enabled topics ask for, on Mastodon, X or YouTube
    #[arg(long)]
    follow_topics: bool,
    /// Maximum spending per calendar month in US dollars; by default, nothing
    #[arg(long, value_parser = dollars)]
    usd_per_month: Option<Budget>,
    /// JSON file that maps the items of webhook deliveries to posts; without it, items have the format of `POST
    /// /api/v1/posts`
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// JSON Pointer to the items in a webhook delivery, such as `/data/items`; by default, the whole body
    #[arg(long, value_parser = pointer)]
    items: Option<Pointer>,
    /// Platform of items for which the mapping finds none; by default, `webhook`
    #[arg(long)]
    platform: Option<String>,
}

impl SettingArgs {
    /// Returns the settings, with the mapping from its file.
    fn read(self) -> anyhow::Result<SourceSettings> {
        let Self {
            base_url,
            feed_url,
            interval_s,
            tags,
            only_local,
            queries,
            subreddits,
            follow_topics,
            usd_per_month,
            mapping,
            items,
            platform,
        } = self;
        let mapping = mapping.map(|path| read_mapping(&path)).transpose()?;
        Ok(SourceSettings {
            base_url,
            url: feed_url,
            interval_s,
            tags: Some(tags).filter(|tags| !tags.is_empty()),
            only_local: only_local.then_some(true),
            queries,
            subreddits,
            follow_topics: follow_topics.then_some(true),
            usd_per_month,
            mapping,
            items,
            platform,
        })
    }
}

/// Credentials that the network issued. Other users of a machine can see arguments, but not environment variables.
#[derive(Clone, clap::Args)]
pub struct CredentialArgs {
    /// Access token, bearer token or API key; prefer the environment variable
    #[arg(long, env = "GROUNDSWELL_SOURCE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Id of the application, for networks that issue tokens to applications
    #[arg(long, env = "GROUNDSWELL_SOURCE_CLIENT_ID", hide_env_values = true)]
    client_id: Option<String>,
    /// Secret of the application; prefer the environment variable
    #[arg(long, env = "GROUNDSWELL_SOURCE_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
}

impl From<CredentialArgs> for Credentials {
    fn from(CredentialArgs { token, client_id, client_secret }: CredentialArgs) -> Self {
        Self { token, client_id, client_secret }
    }
}

impl std::fmt::Debug for CredentialArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Credentials::from(self.clone()).fmt(f)
    }
}

/// Runs a command.
///
/// # Errors
/// If the server cannot be reached or rejects the request, the mapping cannot be read, or the source does not exist. A
/// test also fails if posts cannot be read.
pub async fn run(command: SourcesCommand) -> anyhow::Result<()> {
    match command {
        SourcesCommand::List { target } => {
            for source in sources(&target.open()?).await? {
                show(&source)?;
            }
            Ok(())
        }
        SourcesCommand::Add { network, name, settings, credentials, target } => {
            let name = name.unwrap_or_else(|| network.as_str().to_owned());
            let settings = settings.read()?;
            let new = NewSource { network, name, settings, credentials: credentials.into() };
            let api = target.open()?;
            reveal(&api, &api.request(Method::POST, "/api/v1/sources", Some(&json!(new))).await?)
        }
        SourcesCommand::Test { source, target } => {
            let api = target.open()?;
            let path = format!("{}/test", path_of(&api, &source).await?);
            let SourceTest { state, message } = api.request(Method::POST, &path, None).await?;
            anyhow::ensure!(state == SourceState::Running, "{}: {message}", state.as_str());
            super::print(&message);
            Ok(())
        }
        SourcesCommand::Pause { source, target } => act(&target, &source, "pause", None).await,
        SourcesCommand::Resume { source, target } => act(&target, &source, "resume", None).await,
        SourcesCommand::RotateSecret { source, target } => {
            let api = target.open()?;
            let path = format!("{}/rotate-secret", path_of(&api, &source).await?);
            reveal(&api, &api.request(Method::POST, &path, None).await?)
        }
        SourcesCommand::SetCredentials { source, credentials, target } => {
            let api = target.open()?;
            let path = format!("{}/credentials", path_of(&api, &source).await?);
            show(&api.request(Method::PUT, &path, Some(&json!(Credentials::from(credentials)))).await?)
        }
        SourcesCommand::Backfill { source, hours, target } => {
            act(&target, &source, "backfill", Some(&json!({"hours": hours}))).await
        }
        SourcesCommand::Remove { source, target } => {
            let api = target.open()?;
            let path = path_of(&api, &source).await?;
            api.request::<Value>(Method::DELETE, &path, None).await.map(drop)
        }
    }
}

fn network(text: &str) -> Result<Network, String> {
    let known = Network::ALL;
    known
        .into_iter()
        .find(|network| network.as_str() == text)
        .ok_or_else(|| format!("known networks: {}", known.map(Network::as_str).join(", ")))
}

fn pointer(text: &str) -> Result<Pointer, InvalidPointer> {
    Pointer::try_from(text.to_owned())
}

fn read_mapping(path: &Path) -> anyhow::Result<PostMapping> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    serde_json::from_str(&text).with_context(|| format!("{name} is not a mapping"))
}

fn dollars(text: &str) -> Result<Budget, String> {
    let usd = text.parse::<f64>().map_err(|_| "it must be a number of US dollars, such as 20".to_owned())?;
    Budget::try_from(usd).map_err(|error| error.to_string())
}

async fn act(target: &ApiTarget, source: &str, action: &str, body: Option<&Value>) -> anyhow::Result<()> {
    let api = target.open()?;
    let path = format!("{}/{action}", path_of(&api, source).await?);
    show(&api.request(Method::POST, &path, body).await?)
}

async fn sources(api: &Api) -> anyhow::Result<Vec<Source>> {
    Ok(api.request::<Page<Source>>(Method::GET, "/api/v1/sources", None).await?.items)
}

/// Returns the path of the source with this id, or with this name, ignoring case.
async fn path_of(api: &Api, source: &str) -> anyhow::Result<String> {
    let wanted = source.to_lowercase();
    let found = sources(api)
        .await?
        .into_iter()
        .find(|it| it.name.to_lowercase() == wanted || it.id.to_string() == wanted);
    let id = found.ok_or_else(|| anyhow::anyhow!("there is no source `{source}`"))?.id;
    Ok(format!("/api/v1/sources/{id}"))
}

fn show(source: &Source) -> anyhow::Result<()> {
    let text = if stdout().is_terminal() { line(source) } else { serde_json::to_string(source)? };
    super::print(&text);
    Ok(())
}

/// Shows a source and its secret, which the server shows only once.
fn reveal(api: &Api, revealed: &RevealedSource) -> anyhow::Result<()> {
    if !stdout().is_terminal() {
        super::print(&serde_json::to_string(revealed)?);
        return Ok(());
    }
    show(&revealed.source)?;
    if let Some(secret) = &revealed.secret {
        let address = api.address(&format!("/api/v1/sources/{}/events", revealed.source.id));
        super::print(&format!("deliver to {address}\nsigned with {secret}, which is not shown again"));
    }
    Ok(())
}

fn line(source: &Source) -> String {
    let reason = source.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let lag = source.lag_s.map_or_else(String::new, |lag| format!("  lag {lag:.1} s"));
    let gaps = match source.gaps.len() {
        0 => String::new(),
        1 => "  1 gap".to_owned(),
        n => format!("  {n} gaps"),
    };
    let follows = if source.settings.follow_topics == Some(true) { "  follows topics" } else { "" };
    let (name, network, state) = (&source.name, source.network.as_str(), source.state.as_str());
    let line =
        format!("{name}  {network}  {state}{reason}  {} posts{lag}{gaps}{follows}", source.counts.stored);
    // Names and reasons must not move the terminal's cursor.
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
