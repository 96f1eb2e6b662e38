use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use super::{
    EmbeddedError,
    account::{Account, make_passable},
};

/// System folder for files that an unprivileged user must reach but could not reach in a private data directory.
const SYSTEM_HOME: &str = "/var/lib/groundswell";

/// Maximum length in bytes of a socket path. `sun_path` holds 108, including the final NUL.
const SOCKET_PATH_MAX: usize = 107;

/// Longest name of a socket; PostgreSQL appends it to the configured folder.
const LONGEST_SOCKET_NAME: &str = "/.s.PGSQL.5432";

/// Folders in a data directory, and the account that owns PostgreSQL's.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    /// Folder that holds PostgreSQL's settings and the folders below.
    pub(super) postgres: PathBuf,
    /// Folder that holds the stored data; it does not exist before the first start.
    pub(super) cluster: PathBuf,
    pub(super) postgres_log: PathBuf,
    pub(super) postgres_socket: PathBuf,
    /// Folder that holds Redis's settings, log and append-only file.
    pub(super) redis: PathBuf,
    pub(super) redis_socket: PathBuf,
    /// Owner of `cluster`, `postgres_log` and `postgres_socket`.
    pub(super) account: Account,
}

impl Paths {
    /// Chooses the folders and creates all except the cluster. `data_dir` must be canonical.
    pub(super) fn prepare(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let (postgres, account) = postgres_home(data_dir)?;
        let postgres_log = postgres.join("log");
        account.make_private(&postgres_log)?;
        let postgres_socket = socket_folder(data_dir, &postgres.join("socket"), account)?;
        let redis = data_dir.join("redis");
        Account::Current.make_private(&redis)?;
        let redis_socket =
            socket_folder(data_dir, &redis.join("socket"), Account::Current)?.join("redis.sock");
        let cluster = postgres.join("cluster");
        Ok(Self { postgres, cluster, postgres_log, postgres_socket, redis, redis_socket, account })
    }
}

/// Chooses PostgreSQL's folder: inside the data directory whenever possible, so that removing the directory removes
/// everything.
fn postgres_home(data_dir: &Path) -> Result<(PathBuf, Account), EmbeddedError> {
    let inside = data_dir.join("postgres");
    let outside = system_home(data_dir).join("postgres");
    let is_root = geteuid().is_root();
    // Existing data is found again even if a new installation would choose the other folder.
    let has_cluster = |home: &Path| home.join("cluster").exists();
    if is_root && has_cluster(&outside) && !has_cluster(&inside) {
        let account = Account::choose(&outside.join("cluster"))?;
        return Ok((outside, account));
    }
    let account = Account::choose(&inside.join("cluster"))?;
    make_passable(&inside)?;
    if !is_root || account.can_enter(&inside) {
        return Ok((inside, account));
    }
    if has_cluster(&inside) {
        return Err(EmbeddedError::Unreachable { path: inside, uid: account.uid() });
    }
    // The folder is removed only if it is empty; anything in it is kept.
    let _ = fs::remove_dir(&inside);
    make_system_home(data_dir)?;
    make_passable(&outside)?;
    Ok((outside, account))
}

/// Returns `preferred` if the path of a socket in it is short enough and needs no quoting in a URL or a list; otherwise
/// returns a folder with a short path.
fn socket_folder(data_dir: &Path, preferred: &Path, account: Account) -> Result<PathBuf, EmbeddedError> {
    let folder = if fits_socket(preferred) { preferred.to_owned() } else { short_folder(data_dir, account)? };
    account.make_private(&folder)?;
    Ok(folder)
}

fn short_folder(data_dir: &Path, account: Account) -> Result<PathBuf, EmbeddedError> {
    let uid = account.uid();
    if geteuid().is_root() {
        return Ok(make_system_home(data_dir)?.join(format!("socket-{uid}")));
    }
    let of_session = Path::new("/run/user").join(uid.to_string());
    let is_ours =
        fs::metadata(&of_session).is_ok_and(|found| found.uid() == uid && found.mode() & 0o077 == 0);
    let base = if is_ours { of_session } else { PathBuf::from("/tmp") };
    Ok(base.join(format!("groundswell-{uid}-{}", short_hash(data_dir))))
}

fn make_system_home(data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    make_passable(Path::new(SYSTEM_HOME))?;
    let home = system_home(data_dir);
    make_passable(&home)?;
    // Tells a person which data directory this folder belongs to.
    let note = home.join("belongs-to");
    fs::write(&note, data_dir.as_os_str().as_bytes()).map_err(EmbeddedError::io("write", &note))?;
    Ok(home)
}

fn system_home(data_dir: &Path) -> PathBuf {
    Path::new(SYSTEM_HOME).join(short_hash(data_dir))
}

/// Hashes the path to 64 bits: enough to distinguish the data directories on one machine, and short enough for a socket
/// path.
fn short_hash(data_dir: &Path) -> String {
    let digest = Sha256::digest(data_dir.as_os_str().as_bytes());
    let mut hash = hex::encode(digest);
    hash.truncate(16);
    hash
}

fn fits_socket(folder: &Path) -> bool {
    let bytes = folder.as_os_str().as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    bytes.len() + LONGEST_SOCKET_NAME.len() <= SOCKET_PATH_MAX && bytes.iter().all(is_plain)
}

/// Removes the files that a test left outside its data directory.
#[cfg(test)]
pub(super) fn remove_outside(data_dir: &Path) {
    let ours = short_folder(data_dir, Account::Current).unwrap();
    for folder in [system_home(data_dir), ours] {
        if folder.exists() {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_and_plain_folders_hold_sockets() {
        let check = |folder: &str, fits: bool| assert_eq!(fits_socket(Path::new(folder)), fits, "{folder}");
        check("/srv/groundswell/.data/postgres/socket", true);
        check(&format!("/{}", "a".repeat(92)), true);
        check(&format!("/{}", "a".repeat(93)), false);
        check("/home/a person/data", false);
        check("/home/a,b/data", false);
        check("/home/a%20b/data", false);
        check("/home/ünal/data", false);
    }

    #[test]
    fn two_data_directories_never_share_a_short_folder() {
        assert_ne!(system_home(Path::new("/a")), system_home(Path::new("/b")));
    }
}
