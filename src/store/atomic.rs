//! Files that are there as a whole or not at all: a temporary file in the same folder, then a rename.

use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use super::StoreError;

/// How the name of a file begins that isn't finished; left over when a process was killed.
pub(super) const UNFINISHED: &str = ".tmp-";

/// Writes `bytes` to `path`, making its folder; a reader, or a crash, sees the old file or the new one.
/// Synced to the disk before and after the rename.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = folder_of(path);
    let temp = filled(path, bytes)?;
    temp.as_file().sync_all().map_err(StoreError::io("write", path))?;
    persist(temp, path)?;
    sync_folder(folder)
}

/// Like [`write_atomic`] without waiting for the disk: for what can be made again at once, where a
/// file that a power cut left empty is no more than a miss.
pub(super) fn write_quick(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    persist(filled(path, bytes)?, path)
}

/// A new unfinished file in `folder`, which is made if it isn't there.
pub(super) fn unfinished(folder: &Path) -> Result<NamedTempFile, StoreError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    let permissions = {
        use std::os::unix::fs::PermissionsExt;
        // The umask narrows it. The default would be for the owner alone, also for files in git.
        fs::Permissions::from_mode(0o666)
    };
    #[cfg(unix)]
    builder.permissions(permissions);
    match builder.tempfile_in(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
            builder.tempfile_in(folder)
        }
        other => other,
    }
    .map_err(StoreError::io("write to", folder))
}

/// Gives an unfinished file its name.
pub(super) fn persist(temp: NamedTempFile, path: &Path) -> Result<(), StoreError> {
    temp.persist(path).map(drop).map_err(|error| StoreError::io("write", path)(error.error))
}

/// Waits until the folder's entries are on the disk.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    // Windows can't open a folder as a file; a rename is durable enough there.
    if cfg!(unix) {
        fs::File::open(folder).and_then(|file| file.sync_all()).map_err(StoreError::io("write to", folder))?;
    }
    Ok(())
}

fn filled(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, StoreError> {
    let mut temp = unfinished(folder_of(path))?;
    temp.write_all(bytes).map_err(StoreError::io("write", path))?;
    Ok(temp)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_over() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("deep/er/file");
        write_atomic(&path, b"one").expect("written");
        write_quick(&path, b"two").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        let beside = fs::read_dir(path.parent().expect("folder")).expect("list").count();
        assert_eq!(beside, 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_can_be_read_by_whom_the_umask_allows() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("folder");
        let ours = dir.path().join("ours");
        let plain = dir.path().join("plain");
        write_atomic(&ours, b"x").expect("written");
        fs::write(&plain, b"x").expect("written");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_with_its_path() {
        let dir = tempfile::tempdir().expect("folder");
        let error = write_atomic(dir.path(), b"x").expect_err("a folder");
        assert!(error.to_string().contains(&dir.path().display().to_string()));
    }
}
