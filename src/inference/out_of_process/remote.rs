//! The model's process, as its client sees it.

use std::io;
use std::sync::Arc;

/// A process that responds to each line it receives with one line.
pub trait Remote: Send {
    /// Sends a line and waits for the response.
    ///
    /// # Errors
    /// If the process has ended or does not respond in time.
    fn request(&mut self, line: &str) -> io::Result<String>;
}

/// Starts a process and connects to it. Each call starts another one.
#[derive(Clone)]
pub struct OpenRemote(pub Arc<dyn Fn() -> io::Result<Box<dyn Remote>> + Send + Sync>);

impl std::fmt::Debug for OpenRemote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenRemote")
    }
}
