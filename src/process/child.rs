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

/// The variables that children inherit: where programs and their libraries are, the language of messages, the time
/// zone, and where temporary files go.
const INHERITED: [&str; 6] = ["PATH", "LD_LIBRARY_PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR"];

/// The prefix of the other variables that choose a language.
const INHERITED_PREFIX: &str = "LC_";

/// A command that inherits nothing of our environment but [`INHERITED`].
///
/// The environment holds our secrets, and `/proc/<pid>/environ` of a child shows it to everybody who runs as the
/// child's user. It also keeps `PGDATA` and the like from changing how the private servers run.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(env::vars_os().filter(|(name, _)| is_inherited(name)));
    command
}

fn is_inherited(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| INHERITED.contains(&name) || name.starts_with(INHERITED_PREFIX))
}

/// Makes the child end when we do, however we do, and keeps the terminal's Ctrl-C from it: it must outlive the
/// settling of what is in flight.
pub(crate) fn die_with_us(command: &mut Command, signal: Signal) {
    command.process_group(0);
    end_with_us(command, signal);
}

/// Makes the child end when the thread that starts it does, however that ends.
pub(crate) fn end_with_us(command: &mut Command, signal: Signal) {
    let parent = Pid::this();
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
pub(crate) fn has_ended(pid: u32) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    !matches!(waitid(Id::Pid(as_pid(pid)), flags), Ok(WaitStatus::StillAlive))
}

pub(crate) fn as_pid(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed())
}

/// For a log: how a process ended.
pub(crate) fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => format!("code {}", status.code().unwrap_or_default()),
    }
}

/// Waits until it has ended, without taking its exit status: until that is taken its number cannot be another's.
pub(crate) fn wait_for_end(pid: u32) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while let Err(nix::Error::EINTR) = waitid(Id::Pid(as_pid(pid)), flags) {}
}
