//! Whether a folder is on a file system that tells nothing of what other machines write to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Kinds of file systems that others write to without our system's knowing.
const SILENT: [&str; 14] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "virtiofs",
    "ceph",
    "glusterfs",
    "afs",
    "lustre",
    "vboxsf",
    "prl_fs",
    "fuse",
];

/// The first of the folders where events can't be relied on.
pub(super) fn silent(folders: &BTreeSet<PathBuf>) -> Option<&Path> {
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let found = folders.iter().find(|folder| kind_of(folder, &mounts).is_some_and(is_silent_kind));
    found.map(PathBuf::as_path)
}

fn is_silent_kind(kind: &str) -> bool {
    SILENT.contains(&kind) || kind.starts_with("fuse.")
}

/// The kind of the file system that a folder is on: of the mount point that is nearest above it, the last of equals.
fn kind_of<'a>(folder: &Path, mounts: &'a str) -> Option<&'a str> {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (fields.next(), fields.next()) else { continue };
        let point = unescaped(point);
        let length = point.len();
        if folder.starts_with(&point) && found.is_none_or(|(longest, _)| length >= longest) {
            found = Some((length, kind));
        }
    }
    found.map(|(_, kind)| kind)
}

/// The table writes spaces, tabs and backslashes as octal numbers.
fn unescaped(text: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(text.to_owned(), |text, (code, sign)| text.replace(code, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\nhost:/x /mnt/team\\040data nfs4 rw 0 0\n\
                          me@host: /home/me/far fuse.sshfs rw 0 0\n/dev/sdb1 /home/me/far/near xfs rw 0 0\n";

    #[test]
    fn the_nearest_mount_decides() {
        let silent = |folder: &str| kind_of(Path::new(folder), MOUNTS).is_some_and(is_silent_kind);
        assert!(silent("/mnt/team data/set") && silent("/home/me/far"));
        assert!(!silent("/home/me/far/near/x") && !silent("/home/me") && !silent("/mnt/team"));
    }
}
