//! Limit on the files and sockets that this process may open.

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard limit, and returns the new limit; `None` means unlimited.
///
/// On almost every system a process starts with a limit of 1,024, for programs older than `poll`. Each browser takes one
/// file.
pub fn raise_limit() -> Option<u64> {
    let (current, maximum) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    // If the system refuses, the server starts with fewer sockets.
    let limit = setrlimit(Resource::RLIMIT_NOFILE, maximum, maximum).map_or(current, |()| maximum);
    (limit != RLIM_INFINITY).then_some(limit)
}
