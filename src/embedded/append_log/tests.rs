//! Logs that a real Redis wrote, damaged as power cuts and failing disks damage them, and read again by a real Redis.

use std::{fs, process::Command, sync::Arc, thread, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::*;
use crate::embedded::lock::DirectoryLock;
use crate::embedded::paths::Paths;
use crate::embedded::process_supervisor::ProcessSupervisor;
use crate::embedded::redis::Redis;
use crate::embedded::{RedisFsync, find_redis};

/// A data directory where a test starts and kills Redis.
struct Disk {
    folder: tempfile::TempDir,
    paths: Paths,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::prepare(&folder.path().canonicalize().unwrap()).unwrap();
        Self { folder, paths }
    }

    /// Runs these commands on one connection, then kills Redis. Every acknowledged command is on disk by then.
    async fn write(&self, commands: &str) {
        let redis = self.start().await.unwrap();
        self.run(commands);
        self.kill(redis).await;
    }

    async fn start(&self) -> Result<ProcessSupervisor, EmbeddedError> {
        let lock = Arc::new(DirectoryLock::acquire(self.folder.path()).unwrap());
        let redis =
            Redis { program: find_redis().unwrap(), paths: self.paths.clone(), fsync: RedisFsync::Always };
        let keeper = ProcessSupervisor::start(redis, lock).unwrap();
        keeper.ready().await.map(|()| keeper)
    }

    async fn kill(&self, redis: ProcessSupervisor) {
        kill(Pid::from_raw(redis.pid().unwrap().cast_signed()), Signal::SIGKILL).unwrap();
        redis.stop().await.unwrap();
    }

    /// Sends commands and returns their responses, one per line.
    fn run(&self, commands: &str) -> String {
        use std::io::Write as _;
        let mut client = Command::new("redis-cli")
            .arg("-s")
            .arg(&self.paths.redis_socket)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        client.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
        String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap()
    }

    fn path(&self) -> PathBuf {
        newest_part(&self.paths.redis.join(FOLDER)).unwrap()
    }

    fn log(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// Returns the offset of `text` in the log.
    fn find(&self, text: &str) -> usize {
        self.log().windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
    }

    fn change(&self, damage: impl FnOnce(&mut Vec<u8>)) {
        let mut log = self.log();
        damage(&mut log);
        fs::write(self.path(), log).unwrap();
    }

    /// Checks that Redis starts on a log that holds `keys`, accepts another key, and still has all of them after being
    /// killed and started again.
    async fn assert_holds(&self, keys: &[&str]) {
        let redis = self.start().await.unwrap();
        let mut found: Vec<String> = self.run("KEYS *").lines().map(str::to_owned).collect();
        found.sort();
        assert_eq!(found, keys);
        assert_eq!(self.run("SET later 1\n").trim(), "OK");
        self.kill(redis).await;
        let redis = self.start().await.unwrap();
        assert_eq!(self.run("GET later").trim(), "1", "a write accepted after the recovery is lost");
        assert_eq!(self.run("DBSIZE").trim(), (keys.len() + 1).to_string());
        self.kill(redis).await;
    }

    fn copies(&self) -> usize {
        let entries = fs::read_dir(&self.paths.redis).unwrap().flatten();
        entries.filter(|entry| entry.file_name().to_str().unwrap().starts_with("dropped-")).count()
    }
}

const TWO_KEYS: &str = "SET one 1\nSET two 2\n";
const TRANSACTION: &str = "EVAL \"redis.call('SET', 'three', 3) redis.call('SET', 'four', 4)\" 0\n";

#[tokio::test]
async fn a_whole_log_is_left_as_it_is() {
    let disk = Disk::new();
    assert_eq!(repair(&disk.paths.redis).unwrap(), None, "there was no log yet");
    disk.write(&format!("{TWO_KEYS}{TRANSACTION}")).await;
    let before = disk.log();
    assert_eq!(repair(&disk.paths.redis).unwrap(), None);
    assert_eq!(disk.log(), before);
    disk.assert_holds(&["four", "one", "three", "two"]).await;
    assert_eq!(disk.copies(), 0);
}

#[tokio::test]
async fn zeros_at_the_end_are_cut_off() {
    let disk = Disk::new();
    disk.write(TWO_KEYS).await;
    let whole = disk.log();
    disk.change(|log| log.extend([0; 5_000]));
    let dropped = repair(&disk.paths.redis).unwrap().unwrap();
    assert_eq!((dropped.kept_bytes, dropped.bytes, dropped.n_commands), (whole.len() as u64, 5_000, 0));
    assert_eq!(disk.log(), whole);
    disk.change(|log| log.extend([0; 5_000]));
    disk.assert_holds(&["one", "two"]).await;
}

#[tokio::test]
async fn a_command_whose_end_is_zeros_goes_whole() {
    let disk = Disk::new();
    disk.write(TWO_KEYS).await;
    // The value and its terminator: Redis itself would read a value of two zeros.
    disk.change(|log| {
        let end = log.len();
        log[end - 3..].fill(0);
        log.extend([0; 100]);
    });
    disk.assert_holds(&["one"]).await;
}

#[tokio::test]
async fn a_log_that_ends_within_a_command_loses_that_command() {
    let disk = Disk::new();
    disk.write(TWO_KEYS).await;
    let at = disk.find("two");
    disk.change(|log| log.truncate(at + 1));
    let torn = disk.log();
    let dropped = repair(&disk.paths.redis).unwrap().unwrap();
    assert_eq!(fs::read(&dropped.copy).unwrap(), &torn[dropped.kept_bytes as usize..]);
    disk.assert_holds(&["one"]).await;
}

#[tokio::test]
async fn a_transaction_without_its_end_is_undone_and_does_not_swallow_what_follows() {
    for cut in ["three", "four", "EXEC"] {
        let disk = Disk::new();
        disk.write(&format!("{TWO_KEYS}{TRANSACTION}")).await;
        let at = disk.find(cut);
        disk.change(|log| log.truncate(at + 1));
        disk.assert_holds(&["one", "two"]).await;
        assert_eq!(disk.copies(), 1, "{cut}");
    }
}

#[tokio::test]
async fn commands_behind_a_hole_of_the_last_second_are_dropped_and_kept_beside_the_log() {
    let disk = Disk::new();
    disk.write("SET one 1\nSET two 2\nSET three 3\nSET four 4\n").await;
    let (from, to) = (disk.find("two"), disk.find("three"));
    disk.change(|log| log[from..to].fill(0));
    let dropped = repair(&disk.paths.redis).unwrap().unwrap();
    assert_eq!(dropped.n_commands, 1, "`four` is still readable");
    assert!(String::from_utf8_lossy(&fs::read(dropped.copy).unwrap()).contains("four"));
    disk.assert_holds(&["one"]).await;
}

#[tokio::test]
async fn damage_that_more_than_the_last_seconds_follow_is_refused_and_nothing_is_changed() {
    let disk = Disk::new();
    let redis = disk.start().await.unwrap();
    // Redis writes a timestamp with the first command of each second, which determines how long this test takes.
    for i in 0..4 {
        disk.run(&format!("SET key-{i} 1\n"));
        thread::sleep(Duration::from_millis(1_100));
    }
    disk.kill(redis).await;
    let at = disk.find("key-0");
    disk.change(|log| log[at..at + 10].fill(b'x'));
    let damaged = disk.log();
    let refusal = disk.start().await.map(|_| ()).unwrap_err().to_string();
    for part in ["is damaged at byte", "3 readable commands", "nothing was changed", "redis-check-aof --fix"]
    {
        assert!(refusal.contains(part), "`{part}` is not in: {refusal}");
    }
    assert_eq!(disk.log(), damaged);
    assert_eq!(disk.copies(), 0);
}

#[tokio::test]
async fn a_length_that_swallows_everything_behind_it_is_refused() {
    let disk = Disk::new();
    let commands: String = (0..50).map(|i| format!("SET key-{i} 1\n")).collect();
    disk.write(&commands).await;
    // As a log would look that was written before timestamps were enabled.
    disk.change(|log| {
        let text = String::from_utf8(log.clone()).unwrap();
        *log = text.split_inclusive("\r\n").filter(|line| !line.starts_with('#')).collect::<String>().into();
    });
    let at = disk.find("$5\r\nkey-3\r\n");
    disk.change(|log| drop(log.splice(at..at + 2, *b"$50000")));
    let damaged = disk.log();
    let refusal = repair(&disk.paths.redis).unwrap_err();
    assert!(matches!(refusal, EmbeddedError::DamagedLog { n_commands: 46, .. }), "{refusal}");
    assert_eq!(disk.log(), damaged);
}

#[tokio::test]
async fn only_the_newest_copies_are_kept() {
    let disk = Disk::new();
    disk.write(TWO_KEYS).await;
    for _ in 0..COPIES_MAX + 3 {
        disk.change(|log| log.push(b'x'));
        repair(&disk.paths.redis).unwrap().unwrap();
    }
    assert_eq!(disk.copies(), COPIES_MAX);
}

#[tokio::test]
async fn a_manifest_of_zeros_is_rebuilt_and_every_key_is_still_there() {
    for n_zeros in [88, 4_096, 0] {
        let disk = Disk::new();
        disk.write(TWO_KEYS).await;
        let manifest = disk.paths.redis.join(FOLDER).join(MANIFEST);
        let before = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, vec![0; n_zeros]).unwrap();
        disk.assert_holds(&["one", "two"]).await;
        assert_eq!(fs::read_to_string(&manifest).unwrap(), before);
    }
}

#[tokio::test]
async fn a_lost_manifest_of_a_log_whose_parts_are_in_doubt_is_refused_and_nothing_is_changed() {
    let disk = Disk::new();
    disk.write(TWO_KEYS).await;
    let folder = disk.paths.redis.join(FOLDER);
    fs::write(folder.join(MANIFEST), [0; 88]).unwrap();
    fs::copy(folder.join("appendonly.aof.1.incr.aof"), folder.join("appendonly.aof.2.incr.aof")).unwrap();
    let refusal = disk.start().await.map(|_| ()).unwrap_err().to_string();
    for part in ["appendonly.aof.2.incr.aof", "nothing was changed", "restore the folder from a backup"] {
        assert!(refusal.contains(part), "`{part}` is not in: {refusal}");
    }
    assert_eq!(fs::read(folder.join(MANIFEST)).unwrap(), [0; 88]);
}
