//! The file to which checkpoints are appended, one line of JSON each.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::checkpoint;
use crate::models::audit::SignedCheckpoint;

/// Checkpoints in a file.
#[derive(Debug, Clone, Default)]
pub struct CheckpointFile {
    /// Checkpoints, in the order of the file. Their signatures have not been checked.
    pub checkpoints: Vec<SignedCheckpoint>,
    /// Numbers of lines that are not checkpoints, such as one that a crash cut off.
    pub broken_lines: Vec<usize>,
}

/// Appends a checkpoint, and returns once the disk has it. Creates the file if there is none.
///
/// # Errors
/// If the file cannot be written.
pub fn append(path: &Path, signed: &SignedCheckpoint) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
    let mut line = String::new();
    if !ends_with_line_break(&mut file)? {
        line.push('\n');
    }
    line.push_str(&checkpoint::to_line(signed));
    line.push('\n');
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// Returns whether the file is empty or its last line is complete. A crash may have cut it off.
fn ends_with_line_break(file: &mut fs::File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Reads all checkpoints of a file.
///
/// # Errors
/// If the file cannot be read.
pub fn read(path: &Path) -> io::Result<CheckpointFile> {
    let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
    let mut file = CheckpointFile::default();
    for (n, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match checkpoint::of_line(line) {
            Ok(signed) => file.checkpoints.push(signed),
            Err(_) => file.broken_lines.push(n),
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::auth::audit::checkpoint::sign;
    use crate::auth::audit::keys::testing::keys;
    use crate::models::audit::{ChainEnd, Checkpoint, CheckpointKind};

    fn signed(seq: i64) -> SignedCheckpoint {
        let end = ChainEnd { seq, hash: [1; 32] };
        let kind = CheckpointKind::Head;
        sign(&keys(), Checkpoint { kind, end, at: Timestamp::UNIX_EPOCH, expired_before: None })
    }

    #[test]
    fn a_line_that_a_crash_cut_off_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints");
        append(&path, &signed(1)).unwrap();
        append(&path, &signed(2)).unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        append(&path, &signed(3)).unwrap();
        let file = read(&path).unwrap();
        assert_eq!(file.checkpoints, [signed(1), signed(3)]);
        assert_eq!(file.broken_lines, [2]);
        assert!(read(&folder.path().join("none")).is_err());
    }
}
