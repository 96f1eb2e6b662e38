//! Limit on the number of files and sockets that this process may have open.

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard limit, and returns the new limit; `None` if it is unlimited.
///
/// On almost every system, processes start with a limit of 1,024 for the sake of programs older than `poll`. Each
/// connected browser counts as one file.
pub fn raise_limit() -> Option<u64> {
    let (current, maximum) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    // If the system refuses, the server starts with fewer sockets.
    let limit = setrlimit(Resource::RLIMIT_NOFILE, maximum, maximum).map_or(current, |()| maximum);
    (limit != RLIM_INFINITY).then_some(limit)
}
