use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use nix::sys::signal::Signal;

use super::orphans::Orphan;
use super::paths::Paths;
use super::process_supervisor::Server;
use super::programs::RedisProgram;
use super::{EmbeddedError, RedisFsync, append_log, logs};
use crate::process::child;

/// Size in bytes at which the log is rotated, because Redis itself never stops appending to it.
const LOG_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// How long to wait for a ping. A busy Redis responds within milliseconds, and one that is still loading its file says
/// so at once.
const PING_TIMEOUT: Duration = Duration::from_millis(500);

/// The private Redis for a data directory.
pub(super) struct Redis {
    pub(super) program: RedisProgram,
    pub(super) paths: Paths,
    pub(super) fsync: RedisFsync,
}

impl Server for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn stop_signal(&self) -> Signal {
        Signal::SIGTERM
    }

    fn prepare(&self) -> Result<(), EmbeddedError> {
        let leftover = Orphan {
            server: self.name(),
            programs: &["redis-server", "valkey-server"],
            folder: &self.paths.redis,
            signal: self.stop_signal(),
            leader: None,
        };
        leftover.stop()?;
        append_log::repair(&self.paths.redis)?;
        self.rotate_log()?;
        let path = self.settings_file();
        fs::write(&path, self.settings()).map_err(EmbeddedError::io("write", &path))
    }

    fn command(&self) -> Result<Command, EmbeddedError> {
        let mut command = child::command(&self.program.server);
        command.arg(self.settings_file()).current_dir(&self.paths.redis);
        logs::capture(&mut command, &self.startup_log())?;
        Ok(command)
    }

    fn is_ready(&self, _pid: u32) -> bool {
        self.ping().is_ok_and(|response| response.starts_with(b"+PONG"))
    }

    fn log_tail(&self) -> String {
        logs::last_lines(&[&self.startup_log(), &self.log()])
    }
}

impl Redis {
    fn settings(&self) -> String {
        let fsync = match self.fsync {
            RedisFsync::Always => "always",
            RedisFsync::EverySec => "everysec",
        };
        let socket = quote(&self.paths.redis_socket);
        let folder = quote(&self.paths.redis);
        let log = quote(&self.log());
        format!(
            "# Written at every start: changes here are lost.
port 0
unixsocket {socket}
unixsocketperm 700
dir {folder}
logfile {log}
daemonize no
databases 1

# Accepted posts live here until PostgreSQL has them: they are written down, and never thrown out for want of memory.
appendonly yes
appendfsync {fsync}
no-appendfsync-on-rewrite no
aof-load-truncated yes
aof-use-rdb-preamble yes
# By these we know after a power cut how many seconds its damage spans.
aof-timestamp-enabled yes
save \"\"
maxmemory 0
maxmemory-policy noeviction
"
        )
    }

    fn ping(&self) -> std::io::Result<[u8; 5]> {
        let mut socket = UnixStream::connect(&self.paths.redis_socket)?;
        socket.set_read_timeout(Some(PING_TIMEOUT))?;
        socket.write_all(b"PING\r\n")?;
        let mut response = [0; 5];
        socket.read_exact(&mut response)?;
        Ok(response)
    }

    fn rotate_log(&self) -> Result<(), EmbeddedError> {
        let log = self.log();
        if fs::metadata(&log).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
            fs::rename(&log, log.with_extension("log.1")).map_err(EmbeddedError::io("rename", &log))?;
        }
        Ok(())
    }

    fn settings_file(&self) -> PathBuf {
        self.paths.redis.join("redis.conf")
    }

    fn log(&self) -> PathBuf {
        self.paths.redis.join("redis.log")
    }

    fn startup_log(&self) -> PathBuf {
        self.paths.redis.join("startup.log")
    }
}

/// Quotes a path for Redis's settings file.
fn quote(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_end_its_quotes() {
        let check = |path: &str, quoted: &str| assert_eq!(quote(Path::new(path)), quoted);
        check("/a b", "\"/a b\"");
        check("/a\"b\\", "\"/a\\\"b\\\\\"");
    }
}
