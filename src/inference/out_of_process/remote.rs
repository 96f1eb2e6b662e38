//! The process that runs a model, as the one that uses it sees it.

use std::io;
use std::sync::Arc;

/// The other side: a process that returns one line per line.
pub trait Remote: Send {
    /// Sends a line and waits for the response.
    ///
    /// # Errors
    /// When the other side has ended.
    fn request(&mut self, line: &str) -> io::Result<String>;
}

/// Starts the other side.
#[derive(Clone)]
pub struct OpenRemote(pub Arc<dyn Fn() -> io::Result<Box<dyn Remote>> + Send + Sync>);

impl std::fmt::Debug for OpenRemote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenRemote")
    }
}
