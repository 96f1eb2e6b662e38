//! A child process that is asked line by line, on CPU that would otherwise be idle.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::setsid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::setpriority_process;

use super::child;

/// How long an answer may take. On a busy machine the child may wait minutes for CPU; longer, and it hangs.
const PATIENCE: Duration = Duration::from_secs(240);

/// This very program, even where the file it was started from has been replaced or removed since.
const OURSELVES: &str = "/proc/self/exe";

/// The lowest priority there is, of a process and of a session.
const NICE: i32 = 19;

/// How long the process runs before others of the same CPU are looked at again, where the kernel knows such wishes. By
/// default it is some milliseconds, and each wake-up on a post's way could wait for that.
const SLICE: Duration = Duration::from_micros(100);

/// The running child. It ends when this is dropped, and by itself when we are gone.
pub struct Background {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Background {
    /// Starts this program with these arguments. It should call [`lower_priority`] first.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut command = child::command(OURSELVES);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        // By the thread that starts it, which is the one that asks it.
        child::end_with_us(&mut command, Signal::SIGKILL);
        let mut child = command.spawn()?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let (Some(requests), Some(answers)) = (requests, answers) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok(Self { child, requests, answers: BufReader::new(answers) })
    }

    /// Sends a line and waits for the one that answers it. A line ends with its only line break, which is added.
    ///
    /// # Errors
    /// When the child has ended, or does not answer in time, which ends it.
    pub fn ask(&mut self, line: &str) -> io::Result<String> {
        self.requests.write_all(format!("{line}\n").as_bytes())?;
        self.wait()?;
        let mut answer = String::new();
        match self.answers.read_line(&mut answer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer),
        }
    }

    /// Waits until an answer has begun. Between two answers nothing is buffered.
    fn wait(&mut self) -> io::Result<()> {
        let patience = Timespec::try_from(PATIENCE).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut answers = [PollFd::new(self.answers.get_ref(), PollFlags::IN)];
        if poll(&mut answers, Some(&patience))? > 0 {
            return Ok(());
        }
        self.child.kill()?;
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and is waited for all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Leaves the CPU to everybody else: lowest priority, in a session of its own.
///
/// PostgreSQL gives each of its processes a session, and where the kernel groups by session (autogroup, sched(7)) a group
/// of the usual weight competes as a whole with each of them, whatever the priorities of its threads. So a thread of this
/// process could not step back from PostgreSQL; a process with a session of its own, whose group has the lowest weight,
/// can. What the kernel does not know is left out.
pub fn lower_priority() {
    let _ = setsid();
    // Its file is `/proc/self/exe`, so `ps` would show `exe`.
    let _ = prctl::set_name(c"groundswell-bg");
    let _ = fs::write("/proc/self/autogroup", NICE.to_string());
    let _ = setpriority_process(None, NICE);
    let _ = shorten_slice();
}

/// Asks for [`SLICE`], by `sched_setattr(2)`. Linux 6.12 and later honour it for ordinary processes.
fn shorten_slice() -> io::Result<()> {
    /// The first version of the kernel's `sched_attr`.
    #[repr(C)]
    struct Attributes {
        size: u32,
        policy: u32,
        flags: u64,
        nice: i32,
        priority: u32,
        runtime_ns: u64,
        deadline_ns: u64,
        period_ns: u64,
    }
    let size = u32::try_from(size_of::<Attributes>()).unwrap_or_default();
    let runtime_ns = u64::try_from(SLICE.as_nanos()).unwrap_or_default();
    let policy = u32::try_from(libc::SCHED_OTHER).unwrap_or_default();
    let attributes = Attributes {
        size,
        policy,
        flags: 0,
        nice: NICE,
        priority: 0,
        runtime_ns,
        deadline_ns: 0,
        period_ns: 0,
    };
    // SAFETY: the kernel reads `size` bytes of a struct that outlives the call; 0 is the calling thread.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
