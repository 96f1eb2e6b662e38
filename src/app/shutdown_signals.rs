//! Shutdown by SIGTERM or Ctrl-C.

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::Control;

/// Stops the server gracefully at the first SIGTERM or Ctrl-C, and at once at the second.
///
/// # Errors
/// If a signal handler cannot be installed.
pub fn obey(io: &Handle, control: &Control) -> std::io::Result<()> {
    let _inside = io.enter();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, leave) = (control.stop.clone(), control.leave.clone());
    // unsupervised: waits for two signals and cancels two tokens; nothing in it can panic
    io.spawn(async move {
        for token in [stop, leave] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(())
}
