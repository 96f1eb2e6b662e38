use std::path::{Path, PathBuf};

use super::EmbeddedError;
use crate::process::child;

/// Oldest PostgreSQL version with the features that the migrations and settings use.
pub const POSTGRES_MIN: u32 = 14;

/// Oldest supported Redis version, as major and minor.
pub const REDIS_MIN: (u32, u32) = (7, 0);

const POSTGRES_REMEDY: &str = "on Debian and Ubuntu: `apt-get install postgresql`; on Fedora: `dnf install \
                               postgresql-server`; on Alpine: `apk add postgresql`";
const REDIS_REMEDY: &str = "on Debian and Ubuntu: `apt-get install redis-server`; on Fedora: `dnf install redis`; on \
                            Alpine: `apk add redis`";

/// An installed PostgreSQL that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresPrograms {
    /// Path of `postgres`, the server program.
    pub postgres: PathBuf,
    /// Path of `initdb` from the same version, which creates a database cluster.
    pub initdb: PathBuf,
    /// Major version, such as 15.
    pub major: u32,
}

/// An installed Redis or Valkey that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisProgram {
    /// Path of `redis-server` or `valkey-server`.
    pub server: PathBuf,
    /// Major and minor version.
    pub version: (u32, u32),
}

/// Finds PostgreSQL on the `PATH`, where Debian installs it, or where `pg_config` says it is.
///
/// If `major` is given, accepts only that version, because only the version that wrote stored data can read it.
/// Otherwise prefers the one on the `PATH`, then the newest.
pub fn find_postgres(major: Option<u32>) -> Result<PostgresPrograms, EmbeddedError> {
    let suits = |found: &PostgresPrograms| match major {
        Some(wanted) => found.major == wanted,
        None => found.major >= POSTGRES_MIN,
    };
    if let Some(found) =
        child::on_path("postgres").and_then(|path| postgres_at(&path)).filter(|found| suits(found))
    {
        return Ok(found);
    }
    let newest = postgres_folders()
        .iter()
        .filter_map(|folder| postgres_at(&folder.join("postgres")))
        .filter(suits)
        .max_by_key(|found| found.major);
    newest.ok_or_else(|| EmbeddedError::Missing {
        what: match major {
            Some(wanted) => format!("PostgreSQL {wanted}, which wrote the stored posts,"),
            None => format!("PostgreSQL {POSTGRES_MIN} or newer"),
        },
        remedy: POSTGRES_REMEDY,
    })
}

/// Finds Redis or Valkey on the `PATH` and in the usual system folders.
pub fn find_redis() -> Result<RedisProgram, EmbeddedError> {
    for name in ["redis-server", "valkey-server"] {
        let paths = ["/usr/bin", "/usr/local/bin", "/usr/sbin"].map(|folder| Path::new(folder).join(name));
        for server in child::on_path(name).into_iter().chain(paths) {
            let Some(version) = version_output(&server).as_deref().and_then(redis_version) else {
                continue;
            };
            if version >= REDIS_MIN {
                return Ok(RedisProgram { server, version });
            }
        }
    }
    let (major, minor) = REDIS_MIN;
    Err(EmbeddedError::Missing { what: format!("Redis {major}.{minor} or newer"), remedy: REDIS_REMEDY })
}

fn postgres_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    if let Ok(output) = child::command("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    folders.extend(["/usr/local/pgsql/bin", "/usr/libexec/postgresql", "/usr/bin"].map(PathBuf::from));
    folders
}

/// Returns the programs of an installation. The program on the `PATH` may be a link; `initdb` lies beside the link's
/// target.
fn postgres_at(postgres: &Path) -> Option<PostgresPrograms> {
    let postgres = postgres.canonicalize().ok()?;
    let major = postgres_major(&version_output(&postgres)?)?;
    let initdb = postgres.with_file_name("initdb");
    initdb.exists().then_some(PostgresPrograms { postgres, initdb, major })
}

fn version_output(program: &Path) -> Option<String> {
    let output = child::command(program).arg("--version").stdin(std::process::Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

/// Parses the major version from the output of `--version`. The name alone proves nothing, because other programs are
/// called `postgres` too.
fn postgres_major(output: &str) -> Option<u32> {
    leading_number(output.trim().strip_prefix("postgres (PostgreSQL) ")?)
}

fn redis_version(output: &str) -> Option<(u32, u32)> {
    if !output.starts_with("Redis server") && !output.starts_with("Valkey server") {
        return None;
    }
    let (_, version) = output.split_once(" v=")?;
    let (major, rest) = version.split_once('.')?;
    Some((leading_number(major)?, leading_number(rest)?))
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postgres_is_recognized_by_its_version_output() {
        let check = |output: &str, major: Option<u32>| assert_eq!(postgres_major(output), major, "{output}");
        check("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15));
        check("postgres (PostgreSQL) 18beta1\n", Some(18));
        check("postgres (PostgreSQL) 9.6.24\n", Some(9));
        check("postgres: command-line client 15.2\n", None);
        check("", None);
    }

    #[test]
    fn a_redis_is_recognized_by_its_version_output() {
        let check = |output: &str, version: Option<(u32, u32)>| {
            assert_eq!(redis_version(output), version, "{output}")
        };
        check(
            "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0",
            Some((7, 0)),
        );
        check("Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", Some((8, 1)));
        check("Redis server v=6.2.14", Some((6, 2)));
        check("something else v=7.0", None);
    }

    #[test]
    fn the_installed_servers_are_found() {
        assert!(find_postgres(None).unwrap().major >= POSTGRES_MIN);
        assert!(find_redis().unwrap().version >= REDIS_MIN);
    }

    #[test]
    fn a_version_that_is_not_installed_is_named_with_what_to_do() {
        let refusal = find_postgres(Some(1)).unwrap_err().to_string();
        assert!(
            refusal.contains("PostgreSQL 1,") && refusal.contains("apt-get install postgresql"),
            "{refusal}"
        );
    }
}
