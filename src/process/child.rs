use std::{
    env,
    ffi::OsStr,
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

/// Variables that children inherit: search paths of programs and libraries, message language, time zone, and folder
/// for temporary files.
const INHERITED: [&str; 6] = ["PATH", "LD_LIBRARY_PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR"];

/// Prefix of the other variables that select a language.
const INHERITED_PREFIX: &str = "LC_";

/// Returns a command that inherits only [`INHERITED`] variables and those with [`INHERITED_PREFIX`].
///
/// The environment holds secrets, and a child's `/proc/<pid>/environ` exposes it to every process of the child's user.
/// A clean environment also keeps `PGDATA` and the like from changing how the private servers run.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(env::vars_os().filter(|(name, _)| is_inherited(name)));
    command
}

fn is_inherited(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| INHERITED.contains(&name) || name.starts_with(INHERITED_PREFIX))
}

/// Makes the child end when this process does, for whatever reason, and shields it from the terminal's Ctrl-C, because
/// it must outlive the settlement of work in flight.
pub(crate) fn detach_and_end_with_parent(command: &mut Command, signal: Signal) {
    command.process_group(0);
    end_with_parent(command, signal);
}

/// Makes the child end when the thread that started it ends, for whatever reason.
pub(crate) fn end_with_parent(command: &mut Command, signal: Signal) {
    let parent = Pid::this();
    // SAFETY: runs between fork and exec and makes two system calls, neither of which allocates or locks. The
    // standard library has already changed the user; an earlier call would be reset by the kernel.
    unsafe {
        command.pre_exec(move || {
            set_pdeathsig(signal)?;
            // If the parent died before that call, nothing would end the child.
            if getppid() != parent {
                return Err(std::io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

/// Returns whether the process is a zombie or gone. Does not collect its exit status.
pub(crate) fn has_ended(pid: u32) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    !matches!(waitid(Id::Pid(as_pid(pid)), flags), Ok(WaitStatus::StillAlive))
}

pub(crate) fn as_pid(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed())
}

/// Describes how a process ended, for the log.
pub(crate) fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => format!("code {}", status.code().unwrap_or_default()),
    }
}

/// Waits until the process has ended, without collecting its exit status, so that its pid is not reused.
pub(crate) fn wait_for_end(pid: u32) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while let Err(nix::Error::EINTR) = waitid(Id::Pid(as_pid(pid)), flags) {}
}
