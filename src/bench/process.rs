//! CPU time and memory of processes, as Linux counts them.

use std::fs;

/// `USER_HZ`, which is always 100 for values in Linux's /proc.
const TICKS_PER_SECOND: f64 = 100.0;

/// Returns the CPU time, in seconds, of one process, excluding its children; 0 if it has ended.
pub fn cpu_seconds(pid: u32) -> f64 {
    stat_of(pid).map_or(0.0, |stat| stat.ticks / TICKS_PER_SECOND)
}

/// Returns the CPU time, in seconds, of a process and its running children. PostgreSQL and nginx do their work in
/// children.
pub fn family_cpu_seconds(pid: u32) -> f64 {
    family(pid).into_iter().map(cpu_seconds).sum()
}

/// Returns the pids of a process and its running children.
pub fn family(pid: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let belongs = |other: &u32| *other == pid || stat_of(*other).is_some_and(|stat| stat.parent == pid);
    pids.filter(belongs).collect()
}

/// Returns the resident memory of a process in bytes.
pub fn resident_bytes(pid: u32) -> u64 {
    kilobytes_in(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default(), "VmRSS:") * 1_024
}

/// Returns the resident memory of several processes in bytes, counting shared memory only once.
pub fn resident_bytes_together(pids: &[u32]) -> u64 {
    let shares = pids.iter().map(|pid| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        kilobytes_in(&rollup, "Pss:")
    });
    shares.sum::<u64>() * 1_024
}

fn kilobytes_in(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

struct Stat {
    parent: u32,
    ticks: f64,
}

/// Parses a process's `stat` file, described in proc(5): the name in parentheses is followed by the state and the
/// parent; utime and stime are fields 14 and 15.
fn stat_of(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks: number(11)? + number(12)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_belongs_to_its_own_family() {
        let pid = std::process::id();
        assert!(family(pid).contains(&pid));
        assert!(resident_bytes(pid) > 1 << 20);
        assert!(resident_bytes_together(&[pid]) > 1 << 20);
        assert_eq!(cpu_seconds(u32::MAX), 0.0);
    }

    #[test]
    fn used_cpu_time_is_counted() {
        let pid = std::process::id();
        let before = cpu_seconds(pid);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while cpu_seconds(pid) < before + 0.05 {
            assert!(std::time::Instant::now() < deadline, "no CPU time was counted");
        }
    }
}
