//! Rebuilds the manifest of an append-only log, the list of its parts, after a power cut has left only zeros of it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use tracing::error;

use super::{EmbeddedError, MANIFEST};

/// How the names of all parts begin.
const PREFIX: &str = "appendonly.aof.";

/// Part of a log, as its file name describes it.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    sequence: u64,
    kind: Kind,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Everything up to some moment.
    Base,
    /// The commands since.
    Increment,
}

/// Writes the manifest anew if it is empty or consists of zeros and the log has one base and one increment, as it has
/// except while Redis rewrites it. Does nothing if the manifest is intact or missing.
///
/// With more parts, nobody can tell which ones a finished rewrite has replaced, and replaying one twice would corrupt the
/// data. Without a base, data are missing. Both fail with [`EmbeddedError::LostManifest`] and change nothing.
pub(super) fn rebuild(folder: &Path) -> Result<(), EmbeddedError> {
    let path = folder.join(MANIFEST);
    match fs::read(&path) {
        Ok(manifest) if manifest.iter().all(|byte| *byte == 0) => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(EmbeddedError::io("read", &path)(error)),
    }
    let parts = parts(folder).map_err(EmbeddedError::io("read", folder))?;
    let kinds: Vec<Kind> = parts.iter().map(|part| part.kind).collect();
    if !parts.is_empty() && kinds != [Kind::Base, Kind::Increment] {
        let names: Vec<String> = parts.iter().map(|part| format!("`{}`", part.name)).collect();
        return Err(EmbeddedError::LostManifest { path, parts: names.join(", ") });
    }
    replace(folder, &parts).map_err(EmbeddedError::io("write", &path))?;
    error!(
        manifest = %path.display(),
        n_parts = parts.len(),
        "the manifest of the redis log was lost, as by a power cut: it was rebuilt"
    );
    Ok(())
}

/// Returns the parts in the folder: bases before increments, each from oldest to newest.
fn parts(folder: &Path) -> io::Result<Vec<Part>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder)? {
        parts.extend(entry?.file_name().to_str().and_then(part));
    }
    parts.sort_by_key(|part| (part.kind, part.sequence));
    Ok(parts)
}

/// Parses a file name such as `appendonly.aof.3.base.rdb` or `appendonly.aof.3.incr.aof`.
fn part(name: &str) -> Option<Part> {
    let (sequence, kind) = name.strip_prefix(PREFIX)?.split_once('.')?;
    let kind = match kind {
        "base.rdb" | "base.aof" => Kind::Base,
        "incr.aof" => Kind::Increment,
        _ => return None,
    };
    Some(Part { sequence: sequence.parse().ok()?, kind, name: name.to_owned() })
}

/// Replaces the manifest at once and syncs it to disk. Without parts, removes it: the log had not begun.
fn replace(folder: &Path, parts: &[Part]) -> io::Result<()> {
    let path = folder.join(MANIFEST);
    if parts.is_empty() {
        return fs::remove_file(path);
    }
    let draft = folder.join(format!("{MANIFEST}.new"));
    let mut file = File::create(&draft)?;
    for Part { sequence, kind, name } in parts {
        let kind = if *kind == Kind::Base { 'b' } else { 'i' };
        writeln!(file, "file {name} seq {sequence} type {kind}")?;
    }
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_recognised_by_their_names() {
        let check = |name: &str, expected: Option<(u64, Kind)>| {
            assert_eq!(part(name).map(|part| (part.sequence, part.kind)), expected, "{name}");
        };
        check("appendonly.aof.3.base.rdb", Some((3, Kind::Base)));
        check("appendonly.aof.12.base.aof", Some((12, Kind::Base)));
        check("appendonly.aof.7.incr.aof", Some((7, Kind::Increment)));
        check("appendonly.aof.manifest", None);
        check("appendonly.aof.x.incr.aof", None);
        check("temp-appendonly.aof.3.base.rdb", None);
    }
}
