//! The model process as its client sees it.

use std::io;
use std::sync::Arc;

/// A connection to a process that answers each line with one line.
pub trait Remote: Send {
    /// Sends a line and waits for the response.
    ///
    /// # Errors
    /// If the other side has ended.
    fn request(&mut self, line: &str) -> io::Result<String>;
}

/// Starts a process and connects to it.
#[derive(Clone)]
pub struct OpenRemote(pub Arc<dyn Fn() -> io::Result<Box<dyn Remote>> + Send + Sync>);

impl std::fmt::Debug for OpenRemote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenRemote")
    }
}
