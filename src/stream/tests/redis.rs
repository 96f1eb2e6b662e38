//! Redis on a Unix socket for a single test, which can be stopped, frozen and restarted.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::super::{Stream, StreamParams};

pub(crate) struct Redis {
    folder: TempDir,
    server: Child,
}

impl Redis {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("gs").tempdir().unwrap();
        let server = spawn(&folder);
        Self { folder, server }
    }

    pub async fn connect(&self) -> Stream {
        Stream::connect(&StreamParams { redis_url: self.url(), prefix: String::new() }).await.unwrap()
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket())
    }

    /// Stops Redis as its supervisor would, which lets it write everything to disk first.
    pub fn stop(&mut self) {
        self.signal("TERM");
        self.server.wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.server = spawn(&self.folder);
    }

    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Runs one command over a separate connection and returns its output.
    pub fn run(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli").arg("-s").arg(self.socket()).args(command).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn socket(&self) -> String {
        self.folder.path().join("s").display().to_string()
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.server.id().to_string()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Redis may have been stopped already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn spawn(folder: &TempDir) -> Child {
    let mut command = Command::new("redis-server");
    command.arg("--dir").arg(folder.path()).arg("--unixsocket").arg(folder.path().join("s"));
    // The log survives the process without `fsync`, on which a busy disk would keep every command waiting.
    command.args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "no"]);
    let mut server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + super::TIMEOUT;
    loop {
        let mut ping = Command::new("redis-cli");
        let output = ping.arg("-s").arg(folder.path().join("s")).arg("PING").output().unwrap();
        if output.stdout.starts_with(b"PONG") {
            return server;
        }
        assert!(Instant::now() < deadline && server.try_wait().unwrap().is_none(), "redis does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
}
