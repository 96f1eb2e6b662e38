//! Headless Chromium as a child process that prints a page as PDF.
//!
//! The page comes from a file, and Chromium reaches nothing else: every host name and address resolves to nothing, and
//! the proxy does not exist. It runs with a profile of its own that is deleted afterwards, one at a time, and within
//! limits on time and memory, beyond which its whole process group is killed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::resource::Resource;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, geteuid, mkdtemp};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::child;

/// Names under which Chromium is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// How long printing may take. A busy machine needs a few seconds.
pub const PRINT_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum size of a PDF in bytes. Mail servers commonly refuse messages of more than 10 MB.
const PDF_BYTES_MAX: u64 = 4 << 20;

/// Maximum memory of all of Chromium's processes that is not shared with others. An ordinary page needs about 150 MiB.
const MEMORY_BYTES_MAX: u64 = 768 << 20;

/// Interval at which the memory is measured.
const WATCH_EVERY: Duration = Duration::from_millis(200);

/// Limits on each process: seconds of CPU, bytes of a file, and no core dumps.
const LIMITS: [(Resource, u64); 3] =
    [(Resource::RLIMIT_CPU, 60), (Resource::RLIMIT_FSIZE, 256 << 20), (Resource::RLIMIT_CORE, 0)];

/// Options that keep Chromium from doing anything but printing.
const OPTIONS: [&str; 18] = [
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--password-store=basic",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    // Not even loopback is exempt from the proxy, and nothing listens at its address.
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
];

/// Reason why a page could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// Chromium could not be started, or its files could not be written or read.
    #[error("Chromium could not be started: {0}")]
    NotStarted(#[from] io::Error),
    /// Chromium took too long and was killed.
    #[error("Chromium took more than {} seconds", PRINT_TIMEOUT.as_secs())]
    TimedOut,
    /// Chromium used too much memory and was killed.
    #[error("Chromium used more than {} MiB", MEMORY_BYTES_MAX >> 20)]
    TooMuchMemory,
    /// Chromium ended without a PDF.
    #[error("Chromium ended with {0} and wrote no PDF")]
    Failed(String),
    /// The PDF is too large to send.
    #[error("the PDF is larger than {} MiB", PDF_BYTES_MAX >> 20)]
    TooLarge,
}

/// An installed Chromium.
#[derive(Debug)]
pub struct Chromium {
    program: PathBuf,
    /// Permit to run it. A second one would compete with the pipeline for memory and CPU.
    permit: Semaphore,
}

impl Chromium {
    /// Finds Chromium under its usual names on the `PATH`, or takes the given executable. Returns `None` if there is
    /// none.
    pub fn find(given: Option<&Path>) -> Option<Self> {
        let program = match given {
            Some(given) => given.is_file().then(|| given.to_owned()),
            None => NAMES.iter().find_map(|name| child::on_path(name)),
        };
        Some(Self { program: program?, permit: Semaphore::new(1) })
    }

    /// Returns the path of the executable.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Prints a page as PDF. Must be called on a thread that lives as long as the process, because Chromium ends with
    /// the thread that started it.
    ///
    /// # Errors
    /// If Chromium fails or exceeds a limit. Nothing of it is left running, and its files are deleted.
    pub async fn print(&self, html: &str) -> Result<Vec<u8>, PrintError> {
        // Never closed.
        let _permit = self.permit.acquire().await;
        let folder = Folder::create()?;
        let (page, pdf) = (folder.0.join("page.html"), folder.0.join("page.pdf"));
        fs::write(&page, html)?;
        let mut group = Group::start(&self.program, &folder.0, (&page, &pdf))?;
        let status = group.end().await?;
        let n_bytes = fs::metadata(&pdf).map(|pdf| pdf.len()).unwrap_or(0);
        if n_bytes == 0 {
            return Err(PrintError::Failed(status));
        }
        if n_bytes > PDF_BYTES_MAX {
            return Err(PrintError::TooLarge);
        }
        Ok(fs::read(&pdf)?)
    }
}

/// Chromium's processes. They are killed when this value is dropped.
struct Group {
    child: Child,
    id: Pid,
}

impl Group {
    fn start(program: &Path, folder: &Path, (page, pdf): (&Path, &Path)) -> io::Result<Self> {
        let option = |name: &str, path: &Path| format!("--{name}={}", path.display());
        let mut command = child::command(program);
        command.args(OPTIONS);
        command.args([option("user-data-dir", folder), option("print-to-pdf", pdf)]);
        if geteuid().is_root() {
            // Chromium refuses to start its sandbox as root.
            command.arg("--no-sandbox");
        }
        command.arg(format!("file://{}", page.display()));
        command.env("HOME", folder).env("XDG_CONFIG_HOME", folder).env("XDG_CACHE_HOME", folder);
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        child::limit(&mut command, &LIMITS);
        child::detach_and_end_with_parent(&mut command, Signal::SIGKILL);
        // unsupervised: the caller waits for the process, and kills it when it stops waiting
        let child = Command::from(command).spawn()?;
        let id = child.id().ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { child, id: child::as_pid(id) })
    }

    /// Waits until Chromium has ended, and describes how.
    async fn end(&mut self) -> Result<String, PrintError> {
        let deadline = Instant::now() + PRINT_TIMEOUT;
        let mut ticks = interval(WATCH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                status = self.child.wait() => return Ok(child::describe(status?)),
                _ = ticks.tick() => {}
            }
            if Instant::now() >= deadline {
                return Err(PrintError::TimedOut);
            }
            if memory_of(self.id) > MEMORY_BYTES_MAX {
                return Err(PrintError::TooMuchMemory);
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The id stays reserved until the first process is collected, and the group while it has members. If all of
        // them have ended, there is nothing to kill.
        let _ = killpg(self.id, Signal::SIGKILL);
    }
}

/// Returns the memory of all processes in a group that they share with no others, in bytes.
fn memory_of(group: Pid) -> u64 {
    let Ok(entries) = fs::read_dir("/proc") else { return 0 };
    let of_group = entries.flatten().filter_map(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name, in parentheses, may contain spaces; the state, the parent and the group follow.
        let id: i32 = stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()?;
        (id == group.as_raw()).then(|| entry.path())
    });
    let anonymous = |process: PathBuf| {
        let status = fs::read_to_string(process.join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()
    };
    of_group.filter_map(anonymous).sum::<u64>() * 1_024
}

/// A new private folder, deleted when this value is dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> io::Result<Self> {
        Ok(Self(mkdtemp(&std::env::temp_dir().join("groundswell-print-XXXXXX"))?))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A process that was just killed may still be writing. What is left then is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Returns an executable with this script, and a folder in which the script finds its own path as `$0`.
    fn script(body: &str) -> (tempfile::TempDir, Chromium) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("browser");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let chromium = Chromium::find(Some(&path)).unwrap();
        (folder, chromium)
    }

    #[test]
    fn an_executable_that_does_not_exist_is_not_replaced_by_another() {
        assert!(Chromium::find(Some(Path::new("/nowhere/chromium"))).is_none());
        assert!(Chromium::find(None).is_some(), "set-up installs Chromium for the tests");
    }

    #[tokio::test]
    async fn a_browser_that_fails_is_reported_and_leaves_nothing_behind() {
        let (folder, chromium) = script("echo \"$HOME\" >\"$(dirname \"$0\")/home\"; sleep 600 & exit 3");
        let error = chromium.print("<p>").await.unwrap_err();
        assert_eq!(error.to_string(), "Chromium ended with code 3 and wrote no PDF");
        let home = fs::read_to_string(folder.path().join("home")).unwrap();
        assert!(home.contains("groundswell-print-") && !Path::new(home.trim()).exists());
    }

    #[tokio::test]
    async fn its_environment_holds_no_secrets_and_its_files_are_limited() {
        let (folder, chromium) = script("(env; ulimit -f; ulimit -c) >\"$(dirname \"$0\")/seen\"; exit 0");
        chromium.print("<p>").await.unwrap_err();
        let seen = fs::read_to_string(folder.path().join("seen")).unwrap();
        assert!(
            !seen.contains("CARGO") && seen.contains("HOME=/") && seen.ends_with("524288\n0\n"),
            "{seen}"
        );
    }

    #[tokio::test]
    async fn the_memory_of_a_group_is_that_of_its_processes() {
        let own = memory_of(nix::unistd::getpgrp());
        assert!(own > 1 << 20, "{own}");
        assert_eq!(memory_of(Pid::from_raw(i32::MAX)), 0);
    }
}
