use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use nix::unistd::{Uid, User, geteuid};

use super::EmbeddedError;
use crate::process::child;

/// The system user that PostgreSQL runs as, since it refuses to run as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// We are not root, so it runs as we do.
    Ourselves,
    /// We are root and give it this user.
    Other {
        /// The user.
        uid: u32,
        /// The user's first group; it gets no others.
        gid: u32,
    },
}

impl Account {
    /// The owner of `cluster` where that exists, since nobody else may open it; else `postgres`, else `nobody`.
    pub(super) fn choose(cluster: &Path) -> Result<Self, EmbeddedError> {
        let owner = fs::metadata(cluster).ok();
        if !geteuid().is_root() {
            return match owner.map(|owner| owner.uid()).filter(|owner| *owner != geteuid().as_raw()) {
                Some(owner) => Err(EmbeddedError::ForeignOwner { path: cluster.to_owned(), owner }),
                None => Ok(Self::Ourselves),
            };
        }
        if let Some(owner) = owner.filter(|owner| !Uid::from_raw(owner.uid()).is_root()) {
            return Ok(Self::Other { uid: owner.uid(), gid: owner.gid() });
        }
        let user = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or(EmbeddedError::NoAccount)?;
        Ok(Self::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
    }

    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Ourselves => geteuid().as_raw(),
            Self::Other { uid, .. } => uid,
        }
    }

    /// Makes `command` run as this user, without any further groups.
    pub(super) fn apply(self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Whether this user gets through all folders above `folder`. Asked of the system by trying, since modes alone
    /// do not tell (access lists, mount options).
    pub(super) fn can_enter(self, folder: &Path) -> bool {
        let mut command = child::command("/bin/sh");
        command.args(["-c", ":"]).current_dir(folder).stdin(Stdio::null());
        self.apply(&mut command);
        command.status().is_ok_and(|status| status.success())
    }

    /// Makes a folder that only this user can enter, and refuses one that belongs to anybody else.
    ///
    /// The refusal matters in `/tmp`, where another user could have made it first in order to listen in.
    pub(super) fn make_private(self, folder: &Path) -> Result<(), EmbeddedError> {
        match fs::create_dir(folder) {
            Ok(()) => self.hand_over(folder)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(EmbeddedError::io("make", folder)(error)),
        }
        // Not following links: one could point to a folder of ours that was made for something else.
        let found = fs::symlink_metadata(folder).map_err(EmbeddedError::io("look at", folder))?;
        if !found.is_dir() || found.uid() != self.uid() {
            return Err(EmbeddedError::ForeignFolder { path: folder.to_owned(), uid: self.uid() });
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(EmbeddedError::io("protect", folder))
    }

    fn hand_over(self, folder: &Path) -> Result<(), EmbeddedError> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid } => {
                chown(folder, Some(uid), Some(gid)).map_err(EmbeddedError::io("hand over", folder))
            }
        }
    }
}

/// Makes a folder, with all above it, that others may pass through.
pub(super) fn make_passable(folder: &Path) -> Result<(), EmbeddedError> {
    fs::create_dir_all(folder).map_err(EmbeddedError::io("make", folder))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(EmbeddedError::io("open", folder))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_private_folder_is_closed_to_others_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("sockets");
        Account::Ourselves.make_private(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        Account::Ourselves.make_private(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        let Ok(Account::Other { uid, gid }) = Account::choose(Path::new("/nowhere")) else {
            // Not by `eprintln!`, which the runner only shows of tests that fail.
            let why = "SKIPPED: a_folder_of_another_user_is_refused: only root can give a folder away";
            return writeln!(std::io::stderr(), "{why}").unwrap();
        };
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("sockets");
        Account::Ourselves.make_private(&folder).unwrap();
        let refusal = Account::Other { uid, gid }.make_private(&folder);
        assert!(matches!(refusal, Err(EmbeddedError::ForeignFolder { .. })));
    }

    #[test]
    fn a_link_is_no_private_folder() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, link) = (parent.path().join("folder"), parent.path().join("link"));
        Account::Ourselves.make_private(&folder).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(Account::Ourselves.make_private(&link).is_err());
    }

    #[test]
    fn postgresql_never_runs_as_root() {
        let account = Account::choose(Path::new("/nowhere")).unwrap();
        assert_ne!(account.uid(), 0);
    }
}
