//! Limit of open files and sockets of this process.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard limit, and returns it; `None` is unlimited.
///
/// Almost everywhere a process starts with a limit of 1,024, for programs older than `poll`. Each browser takes one file.
pub fn raise_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current;
    }
    limit.current = limit.maximum;
    // If the system refuses, the server starts with fewer sockets.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current
}
