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

/// System user that runs PostgreSQL, which refuses to run as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// The current user, who is not root.
    Current,
    /// Another user, because this process runs as root.
    Other {
        /// Id of the user.
        uid: u32,
        /// Id of the user's primary group. The server gets no supplementary groups.
        gid: u32,
    },
}

impl Account {
    /// Returns the owner of `cluster` if it exists, because no other account can open it. Otherwise returns `postgres`
    /// or, if there is no such account, `nobody`.
    pub(super) fn choose(cluster: &Path) -> Result<Self, EmbeddedError> {
        let owner = fs::metadata(cluster).ok();
        if !geteuid().is_root() {
            return match owner.map(|owner| owner.uid()).filter(|owner| *owner != geteuid().as_raw()) {
                Some(owner) => Err(EmbeddedError::ForeignOwner { path: cluster.to_owned(), owner }),
                None => Ok(Self::Current),
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
            Self::Current => geteuid().as_raw(),
            Self::Other { uid, .. } => uid,
        }
    }

    /// Makes `command` run as this user, without supplementary groups.
    pub(super) fn apply(self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Returns whether this user can traverse all folders above `folder`. It tries rather than reading the mode bits,
    /// which access lists and mount options can make misleading.
    pub(super) fn can_enter(self, folder: &Path) -> bool {
        let mut command = child::command("/bin/sh");
        command.args(["-c", ":"]).current_dir(folder).stdin(Stdio::null());
        self.apply(&mut command);
        command.status().is_ok_and(|status| status.success())
    }

    /// Creates a folder that only this user can enter. Rejects an existing folder that belongs to someone else.
    ///
    /// The check matters in `/tmp`, where another user could create the folder first in order to eavesdrop.
    pub(super) fn make_private(self, folder: &Path) -> Result<(), EmbeddedError> {
        match fs::create_dir(folder) {
            Ok(()) => self.hand_over(folder)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(EmbeddedError::io("make", folder)(error)),
        }
        // Does not follow links: a link could point to one of this user's folders that was made for another purpose.
        let found = fs::symlink_metadata(folder).map_err(EmbeddedError::io("inspect", folder))?;
        if !found.is_dir() || found.uid() != self.uid() {
            return Err(EmbeddedError::ForeignFolder { path: folder.to_owned(), uid: self.uid() });
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(EmbeddedError::io("protect", folder))
    }

    fn hand_over(self, folder: &Path) -> Result<(), EmbeddedError> {
        match self {
            Self::Current => Ok(()),
            Self::Other { uid, gid } => {
                chown(folder, Some(uid), Some(gid)).map_err(EmbeddedError::io("change the owner of", folder))
            }
        }
    }
}

/// Creates a folder and its parents, and lets other users traverse them.
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
        Account::Current.make_private(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        Account::Current.make_private(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        let Ok(Account::Other { uid, gid }) = Account::choose(Path::new("/nowhere")) else {
            // Not `eprintln!`: the test runner shows its output only for failing tests.
            let why = "SKIPPED: a_folder_of_another_user_is_refused: only root can give a folder away";
            return writeln!(std::io::stderr(), "{why}").unwrap();
        };
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("sockets");
        Account::Current.make_private(&folder).unwrap();
        let refusal = Account::Other { uid, gid }.make_private(&folder);
        assert!(matches!(refusal, Err(EmbeddedError::ForeignFolder { .. })));
    }

    #[test]
    fn a_link_is_no_private_folder() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, link) = (parent.path().join("folder"), parent.path().join("link"));
        Account::Current.make_private(&folder).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(Account::Current.make_private(&link).is_err());
    }

    #[test]
    fn postgresql_never_runs_as_root() {
        let account = Account::choose(Path::new("/nowhere")).unwrap();
        assert_ne!(account.uid(), 0);
    }
}
