use std::{
    env,
    ffi::OsStr,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    process::{Command, ExitStatus},
};

use nix::{
    sys::{
        prctl::set_pdeathsig,
        resource::{Resource, setrlimit},
        signal::Signal,
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::{Pid, getppid},
};

/// Environment variables that children inherit: search paths for programs and libraries, language of messages, time
/// zone, and folder for temporary files.
const INHERITED: [&str; 6] = ["PATH", "LD_LIBRARY_PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR"];

/// Prefix of the other environment variables that select a language.
const INHERITED_PREFIX: &str = "LC_";

/// Returns a command that inherits only the variables in [`INHERITED`] and those that start with [`INHERITED_PREFIX`].
///
/// The server's environment holds secrets, and `/proc/<pid>/environ` exposes a child's environment to every process of
/// the child's user. A clean environment also keeps variables such as `PGDATA` from changing how the private servers
/// run.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(env::vars_os().filter(|(name, _)| is_inherited(name)));
    command
}

fn is_inherited(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| INHERITED.contains(&name) || name.starts_with(INHERITED_PREFIX))
}

/// Finds a program with the shell, which searches the `PATH` the way the person at the terminal expects.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let output = command("/bin/sh").args(["-c", "command -v \"$1\"", "sh", name]).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end_matches('\n'));
    path.is_absolute().then_some(path)
}

/// Limits the resources of each process of the child: the kernel ends a process that exceeds one.
pub(crate) fn limit(command: &mut Command, limits: &'static [(Resource, u64)]) {
    // SAFETY: runs between fork and exec and makes one system call per limit, none of which allocates or locks.
    unsafe {
        command.pre_exec(move || {
            for (resource, most) in limits {
                setrlimit(*resource, *most, *most)?;
            }
            Ok(())
        });
    }
}

/// Makes the child end when this process does, for whatever reason, and shields it from the terminal's Ctrl-C, because
/// it must stay up until the work in flight is settled.
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

/// Describes how a process ended, for log messages.
pub(crate) fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => format!("code {}", status.code().unwrap_or_default()),
    }
}

/// Waits until the process has ended. Leaves its exit status uncollected, so that the kernel does not reuse its pid.
pub(crate) fn wait_for_end(pid: u32) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while let Err(nix::Error::EINTR) = waitid(Id::Pid(as_pid(pid)), flags) {}
}
