//! `groundswell doctor`: reports which requirements of the server this machine lacks, and how to meet them.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use nix::unistd::{AccessFlags, access};

use crate::config::{Config, Secret, Servers, Sources};
use crate::embedded::{RunInfo, find_postgres, find_redis};
use crate::http::dashboard;
use crate::inference;
use crate::process::chromium::Chromium;
use crate::store::{Store, StoreParams};
use crate::stream::{Stream, StreamParams};

/// How long to wait for an external server. With a longer wait, the doctor would seem to hang.
const SERVER_TIMEOUT: Duration = Duration::from_secs(5);

/// One line of the report.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    subject: &'static str,
    outcome: Outcome,
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Ok(String),
    /// Information that is neither good nor bad.
    Note(String),
    Missing {
        what: String,
        remedy: String,
    },
}

/// Checks everything that `serve` needs with these settings, and prints one line per check. Changes nothing.
///
/// Returns a failing exit code if something essential is missing.
///
/// # Errors
/// If the report cannot be printed.
pub async fn run(config: &Config, sources: &Sources) -> anyhow::Result<ExitCode> {
    let running = RunInfo::read(&config.embedded.data_dir).ok();
    let mut findings = vec![settings(config, sources)];
    findings.extend(sources.warning().map(|warning| Finding::note("settings file", warning)));
    match config.servers() {
        Ok(Servers::External { database_url, redis_url }) => {
            findings.push(external_postgres(&database_url).await);
            findings.push(external_redis(&redis_url, &config.stream.prefix).await);
        }
        _ => {
            findings.push(embedded_postgres());
            findings.push(embedded_redis());
            findings.push(data_dir(&config.embedded.data_dir));
        }
    }
    findings.push(model(config));
    findings.push(built_dashboard());
    findings.push(chromium(config));
    findings.push(port(config, running.as_ref()));
    findings.push(server(config, running.as_ref()));
    print(&findings, &mut std::io::stdout().lock())?;
    let is_well = findings.iter().all(|finding| !matches!(finding.outcome, Outcome::Missing { .. }));
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Finding {
    fn ok(subject: &'static str, what: impl Into<String>) -> Self {
        Self { subject, outcome: Outcome::Ok(what.into()) }
    }

    fn note(subject: &'static str, what: impl Into<String>) -> Self {
        Self { subject, outcome: Outcome::Note(what.into()) }
    }

    fn missing(subject: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { subject, outcome: Outcome::Missing { what: what.into(), remedy: remedy.into() } }
    }
}

fn settings(config: &Config, sources: &Sources) -> Finding {
    match config.check().map_err(|error| sources.locate(error)) {
        Ok(()) => Finding::ok("settings", sources.to_string()),
        Err(error) => {
            Finding::missing("settings", error.to_string(), "`groundswell config` prints every setting")
        }
    }
}

fn embedded_postgres() -> Finding {
    match find_postgres(None) {
        Ok(found) => Finding::ok("postgresql", format!("{} at {}", found.major, found.postgres.display())),
        Err(error) => Finding::missing("postgresql", error.to_string(), "or set DATABASE_URL and REDIS_URL"),
    }
}

fn embedded_redis() -> Finding {
    match find_redis() {
        Ok(found) => {
            let (major, minor) = found.version;
            Finding::ok("redis", format!("{major}.{minor} at {}", found.server.display()))
        }
        Err(error) => Finding::missing("redis", error.to_string(), "or set DATABASE_URL and REDIS_URL"),
    }
}

async fn external_postgres(url: &Secret) -> Finding {
    // The line must not contain a URL, which may hold a password.
    let remedy = "start the server, or correct DATABASE_URL";
    let params = StoreParams {
        url: url.expose().to_owned(),
        pool_size: 1,
        retention: Duration::ZERO,
        on_connect: None,
    };
    match tokio::time::timeout(SERVER_TIMEOUT, Store::connect(params)).await {
        Ok(Ok(_)) => Finding::ok("postgresql", "responds at DATABASE_URL"),
        Ok(Err(error)) => Finding::missing("postgresql", error.to_string(), remedy),
        Err(_) => Finding::missing("postgresql", "does not respond at DATABASE_URL", remedy),
    }
}

async fn external_redis(redis_url: &Secret, prefix: &str) -> Finding {
    let remedy = "start the server, or correct REDIS_URL";
    let params = StreamParams { redis_url: redis_url.expose().to_owned(), prefix: prefix.to_owned() };
    let ping = async { Stream::connect(&params).await?.ping().await };
    match tokio::time::timeout(SERVER_TIMEOUT, ping).await {
        Ok(Ok(())) => Finding::ok("redis", "responds at REDIS_URL"),
        Ok(Err(error)) => Finding::missing("redis", error.to_string(), remedy),
        Err(_) => Finding::missing("redis", "does not respond at REDIS_URL", remedy),
    }
}

/// Checks that the data directory is writable or, if it does not exist, that its nearest existing ancestor is.
fn data_dir(data_dir: &Path) -> Finding {
    let absolute = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let existing = absolute.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let what = format!("{} is writable", absolute.display());
    if existing.is_dir() && access(existing, AccessFlags::W_OK | AccessFlags::X_OK).is_ok() {
        return Finding::ok("data directory", what);
    }
    let what = format!("{} is not writable", existing.display());
    Finding::missing("data directory", what, "choose another folder with `--data-dir`")
}

/// Loads the model and scores a text, so that damaged files are found as well as missing ones.
fn model(config: &Config) -> Finding {
    let loaded = inference::load(&config.inference.load_params());
    let Some(reason) = loaded.degraded else {
        let id = loaded.factory.model();
        let hash: String = id.hash.chars().take(12).collect();
        return Finding::ok("model", format!("{} {} scores, SHA-256 {hash}…", id.name, id.version));
    };
    let remedy = if reason.to_lowercase().contains("onnx runtime") {
        "`scripts/fetch-onnxruntime.sh` installs ONNX Runtime; until then the lexicon scores posts, and they are marked"
    } else {
        "`git checkout -- weights` restores the weights; until then the lexicon scores posts, and they are marked"
    };
    Finding::missing("model", reason, remedy)
}

fn built_dashboard() -> Finding {
    if dashboard::is_built() {
        return Finding::ok("dashboard", "is included in this binary");
    }
    Finding::missing(
        "dashboard",
        "is not included in this binary",
        "`make build` rebuilds the dashboard and the server",
    )
}

/// Looks for Chromium. Only the PDFs of reports need it, so it is not reported as missing.
fn chromium(config: &Config) -> Finding {
    const SUBJECT: &str = "chromium";
    if !config.reports.prints() {
        return Finding::note(SUBJECT, "`--chromium=none`: reports are sent as HTML only");
    }
    match Chromium::find(config.reports.chromium.as_deref()) {
        Some(found) => Finding::ok(SUBJECT, format!("{} prints reports as PDF", found.program().display())),
        None => Finding::note(
            SUBJECT,
            "was not found, so reports are sent as HTML only; install it with `apt-get install chromium`, or set \
             GROUNDSWELL_CHROMIUM",
        ),
    }
}

fn port(config: &Config, running: Option<&RunInfo>) -> Finding {
    let listen = config.http.listen;
    match TcpListener::bind(listen) {
        Ok(_) => Finding::ok("port", format!("{listen} is free")),
        Err(_) if running.is_some_and(|running| running.address.ends_with(&listen.to_string())) => {
            Finding::ok("port", format!("{listen} is in use by the running server"))
        }
        Err(error) => Finding::missing(
            "port",
            format!("cannot listen on {listen}: {error}"),
            "stop the program that listens there, or choose another port: `--listen 127.0.0.1:8081`",
        ),
    }
}

fn server(config: &Config, running: Option<&RunInfo>) -> Finding {
    match running {
        Some(running) => Finding::note(
            "server",
            format!("running at {} (pid {}, version {})", running.address, running.pid, running.version),
        ),
        None => {
            Finding::note("server", format!("no server is running on {}", config.embedded.data_dir.display()))
        }
    }
}

fn print(findings: &[Finding], out: &mut impl Write) -> std::io::Result<()> {
    for Finding { subject, outcome } in findings {
        match outcome {
            Outcome::Ok(what) => writeln!(out, "ok       {subject:<15} {what}")?,
            Outcome::Note(what) => writeln!(out, "         {subject:<15} {what}")?,
            Outcome::Missing { what, remedy } => {
                writeln!(out, "MISSING  {subject:<15} {what}")?;
                writeln!(out, "         {:<15} → {remedy}", "")?;
            }
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_reported_with_its_remedy() {
        let findings = [
            Finding::ok("redis", "7.0 at /usr/bin/redis-server"),
            Finding::missing("port", "it is taken", "choose another"),
            Finding::note("server", "nothing runs"),
        ];
        let mut out = Vec::new();
        print(&findings, &mut out).unwrap();
        let expected = "\
ok       redis           7.0 at /usr/bin/redis-server
MISSING  port            it is taken
                         → choose another
         server          nothing runs
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_missing_data_directory_is_judged_by_its_parent() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("not/yet/there");
        assert!(matches!(data_dir(&deep).outcome, Outcome::Ok(_)));
        assert!(!folder.path().join("not").exists(), "the check must not create it");
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(data_dir(&file.join("below")).outcome, Outcome::Missing { .. }));
    }
}
