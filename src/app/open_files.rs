//! How many files and sockets this process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit as far as it may be without asking anybody, and answers it; `None` is without limit.
///
/// A process starts with a limit of 1,024 almost everywhere, for the sake of programs older than `poll`. Each browser
/// takes one.
pub fn raise_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current;
    }
    limit.current = limit.maximum;
    // Refused, it stays as it is: fewer sockets are no reason not to start.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current
}
