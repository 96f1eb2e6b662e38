use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
    process::{Command, Stdio},
};

use super::EmbeddedError;

/// Number of log lines to show: enough for an error and its cause, few enough for a terminal.
const LAST_LINES: usize = 8;

/// Number of bytes to read from the end of a log. An error needs only the last lines.
const TAIL_BYTES: u64 = 8 * 1024;

/// Redirects the output of `command` to the file at `path`, which is emptied first. This captures what a server prints
/// before it opens its own log.
pub(super) fn capture(command: &mut Command, path: &Path) -> Result<(), EmbeddedError> {
    let out = File::create(path).map_err(EmbeddedError::io("write", path))?;
    let error_out = out.try_clone().map_err(EmbeddedError::io("write", path))?;
    command.stdin(Stdio::null()).stdout(out).stderr(error_out);
    Ok(())
}

/// Returns the last lines of the most recently written file among `paths`, ignoring empty ones.
pub(super) fn last_lines(paths: &[&Path]) -> String {
    let written = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    let newest = paths.iter().filter(|path| !tail(path).trim().is_empty()).max_by_key(|path| written(path));
    let text = newest.map(|path| tail(path)).unwrap_or_default();
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let start = lines.len().saturating_sub(LAST_LINES);
    lines.get(start..).unwrap_or_default().join("\n")
}

fn tail(path: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_long_log_is_returned() {
        let folder = tempfile::tempdir().unwrap();
        let (empty, long) = (folder.path().join("empty"), folder.path().join("long"));
        let lines: Vec<String> = (0..10_000).map(|i| format!("line {i}")).collect();
        fs::write(&long, lines.join("\n")).unwrap();
        fs::write(&empty, "\n").unwrap();
        let tail = last_lines(&[&empty, &long, Path::new("/nowhere")]);
        assert!(tail.starts_with("line 9992\n") && tail.ends_with("line 9999"), "{tail}");
    }
}
