//! Resource usage of this process, with the metric names that Prometheus' own client libraries use.
//!
//! The text format is written by hand, because the recorder has no fractional counters and these values are read only
//! on request.

use std::fmt::Write as _;
use std::fs;

/// Number of clock ticks per second in `/proc`, which does not depend on the kernel's timer frequency.
const TICKS_PER_SECOND: f64 = 100.0;

/// Values read from `/proc`; `None` for values that cannot be read.
#[derive(Debug, Default, PartialEq)]
struct Usage {
    cpu_seconds: Option<f64>,
    start_time_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    threads: Option<u64>,
    open_files: Option<u64>,
    open_files_max: Option<u64>,
    received_bytes: Option<u64>,
    sent_bytes: Option<u64>,
}

/// Returns the current resource usage in Prometheus' text format.
pub fn exposition() -> String {
    render(&read_usage())
}

fn read_usage() -> Usage {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (stat, status) = (read("/proc/self/stat"), read("/proc/self/status"));
    // The program name, in parentheses, may contain anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i)?.parse::<f64>().ok().map(|ticks| ticks / TICKS_PER_SECOND);
    let booted_at = number_after(&read("/proc/stat"), "btime ");
    let traffic = traffic(&read("/proc/self/net/netstat"));
    Usage {
        cpu_seconds: ticks(11).zip(ticks(12)).map(|(user, system)| user + system),
        start_time_seconds: booted_at.zip(ticks(19)).map(|(booted_at, after)| booted_at as f64 + after),
        resident_bytes: number_after(&status, "VmRSS:").map(|kib| kib * 1024),
        virtual_bytes: number_after(&status, "VmSize:").map(|kib| kib * 1024),
        threads: number_after(&status, "Threads:"),
        // One of the entries is the directory being read.
        open_files: fs::read_dir("/proc/self/fd")
            .ok()
            .and_then(|it| u64::try_from(it.count().saturating_sub(1)).ok()),
        open_files_max: number_after(&read("/proc/self/limits"), "Max open files"),
        received_bytes: traffic.map(|(received, _)| received),
        sent_bytes: traffic.map(|(_, sent)| sent),
    }
}

/// Returns the first number after `start` on the line that begins with it.
fn number_after(text: &str, start: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(start))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Returns how many bytes were received and sent, as read from a line of names and a line of values.
fn traffic(netstat: &str) -> Option<(u64, u64)> {
    let mut lines = netstat.lines().filter(|line| line.starts_with("IpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let value = |wanted: &str| {
        let at = names.split_whitespace().position(|name| name == wanted)?;
        values.split_whitespace().nth(at)?.parse().ok()
    };
    Some((value("InOctets")?, value("OutOctets")?))
}

fn render(usage: &Usage) -> String {
    let bytes = |value: Option<u64>| value.map(|value| value as f64);
    let figures = [
        (
            "process_cpu_seconds_total",
            "counter",
            "CPU time used by this process, in seconds.",
            usage.cpu_seconds,
        ),
        (
            "process_start_time_seconds",
            "gauge",
            "Start time of this process, in seconds since 1970.",
            usage.start_time_seconds,
        ),
        (
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory of this process, in bytes.",
            bytes(usage.resident_bytes),
        ),
        (
            "process_virtual_memory_bytes",
            "gauge",
            "Virtual memory of this process, in bytes.",
            bytes(usage.virtual_bytes),
        ),
        ("process_threads", "gauge", "Threads of this process.", bytes(usage.threads)),
        ("process_open_fds", "gauge", "Open files and sockets of this process.", bytes(usage.open_files)),
        (
            "process_max_fds",
            "gauge",
            "Maximum number of open files and sockets of this process.",
            bytes(usage.open_files_max),
        ),
        (
            "process_network_receive_bytes_total",
            "counter",
            "Bytes received in the network namespace of this process.",
            bytes(usage.received_bytes),
        ),
        (
            "process_network_transmit_bytes_total",
            "counter",
            "Bytes sent in the network namespace of this process.",
            bytes(usage.sent_bytes),
        ),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in figures {
        if let Some(value) = value {
            // Writing to a string never fails.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_of_this_process_is_read() {
        let usage = read_usage();
        assert!(usage.cpu_seconds.unwrap() >= 0.0);
        assert!(usage.resident_bytes.unwrap() > 1 << 20 && usage.virtual_bytes > usage.resident_bytes);
        assert!(usage.threads.unwrap() >= 1);
        assert!(usage.open_files.unwrap() >= 3 && usage.open_files_max > usage.open_files);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - usage.start_time_seconds.unwrap();
        assert!(age > -2.0, "{age}");
        assert!(usage.received_bytes.is_some() && usage.sent_bytes.is_some());
    }

    #[test]
    fn unreadable_values_are_omitted() {
        assert_eq!(render(&Usage::default()), "");
        let text = render(&Usage { cpu_seconds: Some(1.25), ..Usage::default() });
        assert_eq!(
            text,
            "# HELP process_cpu_seconds_total CPU time used by this process, in seconds.\n\
             # TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.25\n\n"
        );
        assert_eq!(
            traffic("TcpExt: A\nTcpExt: 1\nIpExt: In InOctets OutOctets\nIpExt: 1 2 3\n"),
            Some((2, 3))
        );
        assert_eq!(traffic(""), None);
    }
}
