//! `groundswell audit`: verifies that nobody changed the audit log.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::json;

use super::server_key;
use crate::auth::audit::keys::AuditKeys;
use crate::auth::audit::verification::{Verdict, VerifierParams};
use crate::auth::audit::verify::verify;
use crate::auth::audit::{checkpoint, checkpoint_file};
use crate::config::{Config, Servers};
use crate::embedded::RunInfo;
use crate::keyring::Keyring;
use crate::store::{Store, StoreParams};

/// Subcommands of `groundswell audit`.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Check that no entry of the audit log was edited, deleted, reordered or forged, and say which; with the file of
    /// checkpoints, also that the newest ones were not cut off
    Verify(Box<VerifyParams>),
}

/// Options of `groundswell audit verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyParams {
    /// File of checkpoints, as the server wrote it or as a webhook received them, one per line
    #[arg(long, value_name = "FILE")]
    pub checkpoints: Option<PathBuf>,
    /// Public key whose checkpoints count, too, in hexadecimal; those of the secret keys always do
    #[arg(long = "public-key", value_name = "HEX")]
    pub public_keys: Vec<String>,
    /// File with a secret key that was in use before the current one
    #[arg(long = "old-secret-key-file", value_name = "FILE")]
    pub old_secret_keys: Vec<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Settings that name the database and the secret key, as for `serve`
    #[command(flatten)]
    pub config: Config,
}

/// Runs a subcommand. The exit code says whether the log is intact.
///
/// # Errors
/// If the log cannot be read, or a key or file is missing.
pub async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    let AuditCommand::Verify(params) = command;
    let config = &params.config;
    let mut keys = vec![AuditKeys::new(&server_key::find(
        config.notify.secret_key.as_ref(),
        &config.embedded.data_dir,
    )?)];
    for file in &params.old_secret_keys {
        let secret =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        keys.push(AuditKeys::new(&Keyring::from_secret(&secret)));
    }
    let public_keys =
        params.public_keys.iter().map(|key| checkpoint::public_key_of(key)).collect::<Result<_, _>>()?;
    let checkpoints = params.checkpoints.as_deref().map(read).transpose()?.unwrap_or_default();
    let store = Store::connect(StoreParams {
        url: database_url(config)?,
        pool_size: 2,
        retention: Duration::ZERO,
        on_connect: None,
    });
    let store = store.await?;
    let started_at = Instant::now();
    let public_key = keys.first().map(|keys| hex::encode(keys.public_key())).unwrap_or_default();
    let verdict = verify(&store, VerifierParams { keys, checkpoints, public_keys }).await?;
    let seconds = started_at.elapsed().as_secs_f64();
    store.close();
    if params.json {
        super::print(&report(&verdict, seconds, &public_key).to_string());
    } else {
        super::print(&text(&verdict, seconds, params.checkpoints.is_some()));
    }
    let is_intact = verdict.findings.n_total() == 0;
    Ok(if is_intact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn database_url(config: &Config) -> anyhow::Result<String> {
    match config.servers()? {
        Servers::External { database_url, .. } => Ok(database_url.expose().to_owned()),
        Servers::Embedded => match RunInfo::read(&config.embedded.data_dir) {
            Ok(running) => Ok(running.postgres_url),
            Err(_) => bail!(
                "no server is running on {}, and DATABASE_URL is not set: start the server, then verify again",
                config.embedded.data_dir.display()
            ),
        },
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<(crate::models::audit::SignedCheckpoint, String)>> {
    let file = checkpoint_file::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    for line in file.broken_lines {
        eprintln!("note: line {line} of {} is not a checkpoint; a crash may have cut it off", path.display());
    }
    let source = path.display().to_string();
    Ok(file.checkpoints.into_iter().map(|signed| (signed, source.clone())).collect())
}

fn report(verdict: &Verdict, seconds: f64, public_key: &str) -> serde_json::Value {
    json!({
        "intact": verdict.findings.n_total() == 0,
        "entries": verdict.n_links,
        "waiting": verdict.n_waiting,
        "last": verdict.end.seq,
        "last_hash": hex::encode(verdict.end.hash),
        "checkpoints": verdict.n_checkpoints,
        "public_key": public_key,
        "seconds": seconds,
        "findings": verdict.findings.as_slice(),
        "findings_total": verdict.findings.n_total(),
    })
}

fn text(verdict: &Verdict, seconds: f64, has_file: bool) -> String {
    let mut lines = vec![format!(
        "{} entries verified in {seconds:.1} s; {} wait to be chained; {} checkpoints compared",
        verdict.n_links, verdict.n_waiting, verdict.n_checkpoints
    )];
    lines.extend(verdict.findings.as_slice().iter().map(ToString::to_string));
    let n_more = verdict.findings.n_total().saturating_sub(verdict.findings.as_slice().len());
    if n_more > 0 {
        lines.push(format!("and {n_more} more"));
    }
    lines.push(match verdict.findings.n_total() {
        0 if has_file => "the audit log is intact".to_owned(),
        0 => "the audit log is intact; without --checkpoints, a cut-off end goes unnoticed".to_owned(),
        1 => "the audit log was tampered with: 1 finding".to_owned(),
        n => format!("the audit log was tampered with: {n} findings"),
    });
    lines.join("\n")
}
