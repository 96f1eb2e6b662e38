//! PostgreSQL and Redis: one pair for all tests of a run, and pairs of their own for tests that stop them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use groundswell::embedded::{Embedded, EmbeddedParams, Endpoints, RedisFsync};
use tokio_postgres::NoTls;

use super::{PATIENCE, space};

/// Maximum number of connections to the shared PostgreSQL.
const SESSIONS_MAX: usize = 600;

/// The servers that all tests share.
struct Shared {
    endpoints: Endpoints,
    /// Dropped to stop them; the other end is closed once they have.
    control: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

/// The servers of this run, started by the first test that asks and stopped when the run ends. They hold a migrated
/// database to copy.
pub fn shared() -> &'static Endpoints {
    &SHARED.get_or_init(start_shared).endpoints
}

fn start_shared() -> Shared {
    let (started, starting) = mpsc::channel();
    let (stop, told_to_stop) = mpsc::channel::<()>();
    let (stopped, stopping) = mpsc::channel::<()>();
    // A runtime of its own: that of the test that comes first ends with that test.
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let servers = runtime.block_on(async {
            let servers = PrivateServers::start().await;
            servers.admit_more_sessions().await;
            space::make_template(servers.embedded.endpoints()).await;
            servers
        });
        started.send(servers.embedded.endpoints().clone()).unwrap();
        // Answers with an error once the other end is dropped.
        let _ = told_to_stop.recv();
        runtime.block_on(servers.stop());
        drop(stopped);
    });
    let endpoints = starting.recv().expect("the shared servers did not start");
    // SAFETY: the function is a plain one and unwinds nowhere; libtest ends the process by returning or by `exit`, which
    // both call it.
    assert_eq!(unsafe { libc::atexit(end_of_run) }, 0);
    Shared { endpoints, control: Mutex::new(Some((stop, stopping))) }
}

/// Stops the servers and looks whether anything is left of the run: what outlives it would pile up on the machine of
/// whoever runs the tests.
extern "C" fn end_of_run() {
    let Some(shared) = SHARED.get() else {
        return;
    };
    let control = shared.control.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((stop, stopped)) = control {
        drop(stop);
        let _ = stopped.recv();
    }
    let deadline = Instant::now() + PATIENCE;
    let mut left = server_threads();
    while !left.is_empty() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
        left = server_threads();
    }
    if left.is_empty() {
        return;
    }
    eprintln!("LEFT BEHIND: {PATIENCE:?} after the last test, threads of stopped servers run: {left:?}");
    // SAFETY: ends the process at once; `exit` must not be called a second time.
    unsafe { libc::_exit(102) };
}

/// Stages, inference and connections of any server in this process.
fn server_threads() -> Vec<String> {
    let names = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = names.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    let is_of_server = |name: &String| {
        ["inference-", "deep-", "actix-rt", "io", "keep-"].iter().any(|start| name.starts_with(start))
    };
    names.map(|name| name.trim_end().to_owned()).filter(is_of_server).collect()
}

/// Servers that one test may stop without disturbing the others.
pub struct PrivateServers {
    /// Stops, starts and restarts each.
    pub embedded: Embedded,
    folder: tempfile::TempDir,
}

impl PrivateServers {
    /// Makes and starts them.
    pub async fn start() -> Self {
        let folder = open_folder();
        let embedded = Embedded::start(EmbeddedParams {
            data_dir: folder.path().join("servers"),
            redis_fsync: RedisFsync::EverySec,
            durable: false,
        });
        Self { embedded: embedded.await.unwrap(), folder }
    }

    /// Lets PostgreSQL serve as many tests at a time as a large machine has cores.
    async fn admit_more_sessions(&self) {
        let url = &self.embedded.endpoints().postgres_url;
        let (admin, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        admin.batch_execute(&format!("ALTER SYSTEM SET max_connections = {SESSIONS_MAX}")).await.unwrap();
        drop(admin);
        connection.await.unwrap().unwrap();
        self.embedded.restart_postgres().await.unwrap();
    }

    /// Stops them and removes what they stored.
    pub async fn stop(self) {
        self.embedded.stop().await.unwrap();
        remove(self.folder);
    }
}

/// Begins the name of every folder of a run; the number of its process follows.
const FOLDER: &str = "groundswell-it-";

/// What all servers of a run need at most, several times over.
const ROOM_BYTES: u64 = 4 << 30;

/// A folder that PostgreSQL's user can reach: in memory where there is room, since fifty databases are fifteen thousand
/// files, and removing those from a busy disk takes longer than the tests.
pub fn open_folder() -> tempfile::TempDir {
    let in_memory = Path::new("/dev/shm");
    let room = nix::sys::statvfs::statvfs(in_memory)
        .map_or(0, |found| found.blocks_available() * found.fragment_size());
    let parent = if room >= ROOM_BYTES { in_memory.to_owned() } else { std::env::temp_dir() };
    remove_abandoned(&parent);
    let prefix = format!("{FOLDER}{}-", std::process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Removes what runs that were interrupted left behind.
fn remove_abandoned(parent: &Path) {
    for entry in std::fs::read_dir(parent).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(FOLDER).and_then(|rest| rest.split('-').next()?.parse().ok());
        if pid.is_some_and(|pid: u32| !Path::new("/proc").join(pid.to_string()).exists()) {
            // Another run may be about the same.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Removes the folder, also where a file in it belongs to another user.
pub fn remove(folder: tempfile::TempDir) {
    let path = folder.path().to_owned();
    folder.close().unwrap_or_else(|error| panic!("{} cannot be removed: {error}", path.display()));
    assert!(!Path::new(&path).exists());
}
