//! The folder `.gristmill/` in the project's root.

use std::fs;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::atomic::write_in;

/// The folder of everything that isn't in git.
pub const STATE: &str = ".gristmill";

/// The folder, made if it isn't there, with a `.gitignore` that keeps git from it.
pub(super) fn prepare(root: &Path) -> Result<PathBuf, StoreError> {
    let home = root.join(STATE);
    let ignore = home.join(".gitignore");
    if !ignore.exists() {
        // In a folder that can only be read, reading must go on.
        let existed = home.is_dir();
        match write_in(Some(root), &ignore, b"*\n") {
            Err(StoreError::ReadOnly { .. } | StoreError::Permission { .. }) if existed => {}
            other => other?,
        }
    }
    Ok(home)
}

/// A file named by 64 hex digits below `folder`, in a folder of its first two digits, which the name repeats if `whole`.
pub(super) fn by_hex(folder: &Path, hex: &str, whole: bool) -> PathBuf {
    let name = if whole { hex } else { &hex[2..] };
    folder.join(&hex[..2]).join(name)
}

/// Every file two levels below `folder`, as (name of its folder, name), sorted. None if `folder` isn't there.
pub(super) fn two_levels(folder: &Path) -> Result<Vec<(String, String)>, StoreError> {
    let mut found = Vec::new();
    for outer in names(folder)? {
        let inner = folder.join(&outer);
        if inner.is_dir() {
            found.extend(names(&inner)?.into_iter().map(|name| (outer.clone(), name)));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The names in a folder; none if it isn't there.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(StoreError::io("read", folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StoreError::io("read", folder))?;
        // Our own names are ASCII; whatever else lies here isn't ours.
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_is_kept_out() {
        let dir = tempfile::tempdir().expect("folder");
        let home = prepare(dir.path()).expect("made");
        prepare(dir.path()).expect("a second time");
        assert_eq!(fs::read_to_string(home.join(".gitignore")).expect("read"), "*\n");
    }
}
