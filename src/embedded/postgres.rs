use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use nix::{sys::signal::Signal, unistd::Pid};
use tracing::info;

use super::orphans::Orphan;
use super::paths::Paths;
use super::process_supervisor::Server;
use super::programs::PostgresPrograms;
use super::{EmbeddedError, logs};
use crate::process::child::{self, detach_and_end_with_parent};

/// Superuser of the private server. It exists nowhere else; the permissions of the socket's folder protect it.
pub(super) const USER: &str = "groundswell";

/// Database that `initdb` creates. The private server needs no other.
pub(super) const DATABASE: &str = "postgres";

const HBA: &str =
    "# Rewritten at every start. Nobody else can enter the folder of the socket.\nlocal all all trust\n";

/// The private PostgreSQL for a data directory.
pub(super) struct Postgres {
    pub(super) programs: PostgresPrograms,
    pub(super) paths: Paths,
    /// Whether commits survive power cuts. Only tests give this up, for speed.
    pub(super) durable: bool,
}

impl Server for Postgres {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    /// Requests a fast shutdown, which ends sessions and writes everything. SIGTERM would wait for clients to
    /// disconnect.
    fn stop_signal(&self) -> Signal {
        Signal::SIGINT
    }

    fn prepare(&self) -> Result<(), EmbeddedError> {
        self.stop_orphans()?;
        if !self.paths.cluster.exists() {
            self.make_cluster()?;
        }
        let socket = quote(&self.paths.postgres_socket);
        let hba = self.paths.postgres.join("pg_hba.conf");
        let log = quote(&self.paths.postgres_log);
        let local = quote(&self.paths.postgres.join("local.conf"));
        let mut settings = format!(
            "{SETTINGS}\nunix_socket_directories = {socket}\nhba_file = {}\nlog_directory = {log}\n",
            quote(&hba)
        );
        if !self.durable {
            // Even so, commits reach the operating system before they are acknowledged, so nothing is lost when a
            // process dies.
            settings.push_str("fsync = off\nfull_page_writes = off\n");
        }
        // Included last, so that it overrides everything else.
        settings.push_str(&format!("include_if_exists = {local}\n"));
        write(&hba, HBA)?;
        write(&self.settings_file(), &settings)
    }

    fn command(&self) -> Result<Command, EmbeddedError> {
        let mut command = self.run(&self.programs.postgres)?;
        let settings_file = self.settings_file();
        command
            .arg("-D")
            .arg(&self.paths.cluster)
            .arg("-c")
            .arg(format!("config_file={}", settings_file.display()));
        Ok(command)
    }

    fn is_ready(&self, pid: u32) -> bool {
        let note = fs::read_to_string(self.pid_file()).unwrap_or_default();
        // The first line is the pid, the eighth the state; `pg_ctl` checks the same lines.
        let mut lines = note.lines();
        let is_ours = lines.next() == Some(&pid.to_string());
        is_ours && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    fn log_tail(&self) -> String {
        let logs = fs::read_dir(&self.paths.postgres_log);
        let mut paths: Vec<PathBuf> =
            logs.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.push(self.startup_log());
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        logs::last_lines(&paths)
    }
}

impl Postgres {
    fn stop_orphans(&self) -> Result<(), EmbeddedError> {
        let noted = fs::read_to_string(self.pid_file()).unwrap_or_default();
        let leader = noted.lines().next().and_then(|pid| pid.trim().parse().ok()).map(Pid::from_raw);
        let leftover = Orphan {
            server: self.name(),
            programs: &["postgres"],
            folder: &self.paths.cluster,
            signal: self.stop_signal(),
            // The server's child processes end with it; signalling them as well would interfere.
            leader,
        };
        leftover.stop()?;
        // No server is running here now, so the pid in the file may belong to any process and would keep the server
        // from starting. PostgreSQL checks the shared memory itself in any case.
        match fs::remove_file(self.pid_file()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(EmbeddedError::io("remove", &self.pid_file())(error))
            }
            _ => Ok(()),
        }
    }

    /// Creates the cluster under a temporary name first, so that an interrupted creation never passes for a complete
    /// cluster.
    fn make_cluster(&self) -> Result<(), EmbeddedError> {
        let unfinished = self.paths.postgres.join("new");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(EmbeddedError::io("remove", &unfinished))?;
        }
        self.paths.account.make_private(&unfinished)?;
        info!(version = self.programs.major, "creating a new database");
        let mut command = self.run(&self.programs.initdb)?;
        command.arg("-D").arg(&unfinished).args([
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]);
        if !self.durable {
            command.arg("--no-sync");
        }
        detach_and_end_with_parent(&mut command, self.stop_signal());
        let status = command.status().map_err(EmbeddedError::io("run", &self.programs.initdb))?;
        if !status.success() {
            let reason = format!("`initdb` failed:\n{}", logs::last_lines(&[&self.startup_log()]));
            return Err(EmbeddedError::DidNotStart { server: self.name(), reason });
        }
        fs::rename(&unfinished, &self.paths.cluster).map_err(EmbeddedError::io("rename", &unfinished))
    }

    /// Returns a command that runs as PostgreSQL's user, in a folder that this user can enter, with messages in
    /// English.
    fn run(&self, program: &Path) -> Result<Command, EmbeddedError> {
        let mut command = child::command(program);
        self.paths.account.apply(&mut command);
        command.current_dir(&self.paths.postgres).env("LC_ALL", "C.UTF-8");
        logs::capture(&mut command, &self.startup_log())?;
        Ok(command)
    }

    fn pid_file(&self) -> PathBuf {
        self.paths.cluster.join("postmaster.pid")
    }

    fn settings_file(&self) -> PathBuf {
        self.paths.postgres.join("postgresql.conf")
    }

    fn startup_log(&self) -> PathBuf {
        self.paths.postgres.join("startup.log")
    }
}

fn write(path: &Path, text: &str) -> Result<(), EmbeddedError> {
    fs::write(path, text).map_err(EmbeddedError::io("write", path))
}

/// Quotes a path for PostgreSQL's settings files.
fn quote(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\\', "\\\\").replace('\'', "''"))
}

/// Settings for a small machine, which PostgreSQL shares with the server and Redis.
const SETTINGS: &str = "\
# Written at every start: changes here are lost. Put yours into local.conf beside this file.
listen_addresses = ''
port = 5432
# A few pools of at most a dozen each; every session costs memory.
max_connections = 100

# The rest of the memory belongs to the model, Redis and the system's own cache.
shared_buffers = 256MB
work_mem = 8MB
maintenance_work_mem = 128MB
huge_pages = off

# What was committed is on disk.
fsync = on
synchronous_commit = on
full_page_writes = on
# Nobody replicates from a private server, so its log can be smaller.
wal_level = minimal
max_wal_senders = 0
wal_compression = on
wal_buffers = 16MB
# Fewer checkpoints write fewer full pages; 2 GB take seconds to replay.
min_wal_size = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9

# Statements are short and many: compiling them and sharing them between processes both cost more than they save.
jit = off
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 1
max_worker_processes = 4
# Solid state disks have no heads to move.
random_page_cost = 1.1
effective_io_concurrency = 64
# A query over 90 days locks each day's partition and each of its indexes.
max_locks_per_transaction = 256

autovacuum_max_workers = 2
autovacuum_naptime = 30s

timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C.UTF-8'
# One file for each day of the week, emptied when its turn comes again.
logging_collector = on
log_filename = 'postgresql-%u.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] '
log_checkpoints = off
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_end_its_quotes() {
        let check = |path: &str, quoted: &str| assert_eq!(quote(Path::new(path)), quoted);
        check("/a b", "'/a b'");
        check("/it's", "'/it''s'");
        check("/a\\'", "'/a\\\\'''");
    }
}
