//! Files that are there as a whole or not at all: written in the process's own folder, then renamed.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;

use tempfile::NamedTempFile;

use super::StoreError;
use super::scratch::{Scratch, root_above};

/// How the name of a file begins that isn't finished and had to be made beside its destination: on another disk than
/// the project, or where there is no project.
pub(super) const UNFINISHED: &str = ".tmp-";

/// Writes `bytes` to `path`, making its folder; a reader, or a crash, sees the old file or the new one.
/// Synced to the disk before and after the rename.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_in(root_above(path).as_deref(), path, bytes)
}

/// [`write_atomic`] for a file of the project at `root`.
pub(super) fn write_in(root: Option<&Path>, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let unfinished = filled(root, path, bytes)?;
    unfinished.sync(path)?;
    unfinished.persist(path)?;
    sync_folder(folder_of(path))
}

/// Like [`write_in`] without waiting for the disk: for what can be made again at once, where a
/// file that a power cut left empty is no more than a miss.
pub(super) fn write_quick(root: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    filled(Some(root), path, bytes)?.persist(path)
}

/// A file without a name yet. Dropped before it has one, it is gone.
pub(super) struct Unfinished {
    temp: NamedTempFile,
    // Dropped after the file in it.
    _scratch: Option<Arc<Scratch>>,
}

impl Unfinished {
    /// For a file that will be at `path`: in the process's own folder of the project at `root`, else beside `path`.
    pub(super) fn new(root: Option<&Path>, path: &Path) -> Result<Self, StoreError> {
        // Where there is no own folder (no locks, no right to write), only the destination counts.
        let scratch = root.and_then(|root| Scratch::of(root).ok());
        match scratch.as_ref().and_then(|scratch| temp_in(scratch.folder()).ok()) {
            Some(temp) => Ok(Self { temp, _scratch: scratch }),
            None => Self::beside(path),
        }
    }

    fn beside(path: &Path) -> Result<Self, StoreError> {
        let folder = folder_of(path);
        let temp = match temp_in(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
                temp_in(folder)
            }
            other => other,
        };
        Ok(Self { temp: temp.map_err(StoreError::io("write to", folder))?, _scratch: None })
    }

    /// Waits until its bytes are on the disk; `path` is for errors.
    pub(super) fn sync(&self, path: &Path) -> Result<(), StoreError> {
        self.temp.as_file().sync_all().map_err(StoreError::io("write", path))
    }

    /// Gives it its name, making the folder.
    pub(super) fn persist(self, path: &Path) -> Result<(), StoreError> {
        let mut error = match self.temp.persist(path) {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if error.error.kind() == ErrorKind::NotFound {
            let folder = folder_of(path);
            fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
            error = match error.file.persist(path) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
        }
        if error.error.kind() == ErrorKind::CrossesDevices {
            return copy(&error.file, path);
        }
        Err(StoreError::io("write", path)(error.error))
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temp.flush()
    }
}

/// Another disk than the project's: its bytes go to a file beside the destination, which is renamed there.
fn copy(temp: &NamedTempFile, path: &Path) -> Result<(), StoreError> {
    let mut beside = Unfinished::beside(path)?;
    let mut from = temp.reopen().map_err(StoreError::io("read", temp.path()))?;
    io::copy(&mut from, &mut beside).map_err(StoreError::io("write", path))?;
    beside.sync(path)?;
    beside.temp.persist(path).map(drop).map_err(|error| StoreError::io("write", path)(error.error))
}

fn temp_in(folder: &Path) -> io::Result<NamedTempFile> {
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
    builder.tempfile_in(folder)
}

/// Waits until the folder's entries are on the disk.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    // Windows can't open a folder as a file; a rename is durable enough there.
    if cfg!(unix) {
        fs::File::open(folder).and_then(|file| file.sync_all()).map_err(StoreError::io("write to", folder))?;
    }
    Ok(())
}

fn filled(root: Option<&Path>, path: &Path, bytes: &[u8]) -> Result<Unfinished, StoreError> {
    let mut unfinished = Unfinished::new(root, path)?;
    unfinished.write_all(bytes).map_err(StoreError::io("write", path))?;
    Ok(unfinished)
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

    fn beside(path: &Path) -> usize {
        fs::read_dir(path.parent().expect("folder")).expect("list").count()
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_over() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("deep/er/file");
        write_atomic(&path, b"one").expect("written");
        write_quick(dir.path(), &path, b"two").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(beside(&path), 1);
    }

    #[test]
    fn in_a_project_nothing_unfinished_is_beside_the_file() {
        let dir = tempfile::tempdir().expect("folder");
        fs::create_dir(dir.path().join(".gristmill")).expect("made");
        let path = dir.path().join("pipelines/p.lock");
        let mut unfinished = Unfinished::new(root_above(&path).as_deref(), &path).expect("made");
        unfinished.write_all(b"half").expect("written");
        assert!(unfinished.temp.path().starts_with(dir.path().join(".gristmill/tmp")));
        assert!(!path.parent().expect("folder").exists());
        unfinished.persist(&path).expect("named");
        assert_eq!(fs::read(&path).expect("read"), b"half");
        let left = fs::read_dir(dir.path().join(".gristmill/tmp")).expect("list").count();
        assert_eq!(left, 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn another_disk_is_written_as_a_whole_too() {
        let dir = tempfile::tempdir().expect("folder");
        let Ok(other) = tempfile::tempdir_in("/dev/shm") else {
            return;
        };
        let path = other.path().join("deep/file");
        write_in(Some(dir.path()), &path, b"far").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"far");
        assert_eq!(beside(&path), 1);
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
