use std::{
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, ExitStatus},
};

use nix::{
    sys::{
        prctl::set_pdeathsig,
        signal::Signal,
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::{Pid, getppid},
};

/// Makes the child end when we do, however we do, and keeps the terminal's Ctrl-C from it: it must outlive the
/// settling of what is in flight.
pub(super) fn die_with_us(command: &mut Command, signal: Signal) {
    let parent = Pid::this();
    command.process_group(0);
    // SAFETY: runs between fork and exec and makes two system calls, nothing that allocates or locks. The standard
    // library has changed the user by then; before that the kernel would forget the signal again.
    unsafe {
        command.pre_exec(move || {
            set_pdeathsig(signal)?;
            // We may have died before the line above, and then nobody would end it.
            if getppid() != parent {
                return Err(std::io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

/// Whether it is a zombie or gone. Leaves its exit status to be taken.
pub(super) fn has_ended(pid: u32) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    !matches!(waitid(Id::Pid(as_pid(pid)), flags), Ok(WaitStatus::StillAlive))
}

pub(super) fn as_pid(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed())
}

/// For a log: how a process ended.
pub(super) fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => format!("code {}", status.code().unwrap_or_default()),
    }
}

/// Waits until it has ended, without taking its exit status: until that is taken its number cannot be another's.
pub(super) fn wait_for_end(pid: u32) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while let Err(nix::Error::EINTR) = waitid(Id::Pid(as_pid(pid)), flags) {}
}
