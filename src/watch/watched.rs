//! Which files a pipeline is made of, which folders they are in, and whether an event is about them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

/// How many folders beneath one path are listened to. Beyond it, the looks at everything find what events don't tell.
const MOST_FOLDERS: usize = 4096;

/// As globs are read elsewhere: `*` doesn't cross folders.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// The files that a pipeline depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    root: PathBuf,
    paths: Vec<Watch>,
    /// What its runs write: never a reason for a run.
    written: BTreeSet<PathBuf>,
}

/// One path: a file, a folder with all that is in it, or a glob.
#[derive(Clone, Debug, PartialEq)]
struct Watch {
    /// As it was written, made absolute.
    path: PathBuf,
    /// The last folder before the first sign of a glob; none for a plain path.
    base: Option<PathBuf>,
    pattern: Option<Pattern>,
    /// What the path is, where links lead elsewhere.
    real: Option<PathBuf>,
    rules: bool,
}

impl Watched {
    /// Nothing, in a project whose root is absolute.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), ..Self::default() }
    }

    /// With data: files, folders or globs.
    #[must_use]
    pub fn data<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        self.with(paths, false)
    }

    /// With what is no data: the pipeline's file, contracts, code.
    #[must_use]
    pub fn rules<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        self.with(paths, true)
    }

    /// Without what runs write themselves.
    #[must_use]
    pub fn written<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.written.extend(paths.into_iter().map(|path| self.root.join(path)));
        self
    }

    fn with<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>, rules: bool) -> Self {
        self.paths.extend(paths.into_iter().map(|path| Watch::new(&self.root, path.as_ref(), rules)));
        self
    }

    /// A path as people know it.
    pub fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    /// The files that are there, and whether each is no data.
    pub(super) fn files(&self) -> BTreeMap<PathBuf, bool> {
        let mut found = BTreeMap::new();
        for watch in &self.paths {
            for file in watch.files() {
                if !self.is_written(&file) {
                    *found.entry(file).or_default() |= watch.rules;
                }
            }
        }
        found
    }

    /// The folders to listen to: those that hold the files, those above them (which may be renamed and made again), and,
    /// where one isn't there, the nearest above it that is.
    pub(super) fn folders(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for watch in &self.paths {
            for folder in watch.folders() {
                for above in folder.ancestors().skip(1).filter(|above| above.starts_with(&self.root)) {
                    found.insert(above.to_owned());
                }
                found.insert(folder);
            }
        }
        found.retain(|folder| folder.is_dir());
        found
    }

    /// Whether what happened at a path may matter.
    pub(super) fn concerns(&self, path: &Path) -> bool {
        !self.is_written(path) && self.paths.iter().any(|watch| watch.concerns(path))
    }

    fn is_written(&self, path: &Path) -> bool {
        self.written.contains(path) || path.starts_with(self.root.join(crate::store::STATE))
    }
}

impl Watch {
    fn new(root: &Path, path: &Path, rules: bool) -> Self {
        let path = clean(&root.join(path));
        let is_glob = |component: Component<'_>| component.as_os_str().to_string_lossy().contains(['*', '?', '[']);
        let base: PathBuf = path.components().take_while(|component| !is_glob(*component)).collect();
        let pattern = (base != path).then(|| Pattern::new(&path.to_string_lossy()).ok()).flatten();
        let base = pattern.as_ref().map(|_| base);
        let real = std::fs::canonicalize(&path).ok().filter(|real| base.is_none() && *real != path);
        Self { path, base, pattern, real, rules }
    }

    fn files(&self) -> Vec<PathBuf> {
        if let Some(pattern) = &self.pattern {
            let found = glob::glob_with(pattern.as_str(), MATCHING);
            return found.into_iter().flatten().filter_map(Result::ok).filter(|path| path.is_file()).collect();
        }
        if self.path.is_dir() {
            let folders = beneath(&self.path, usize::MAX);
            let files = folders.iter().flat_map(|folder| entries(folder));
            return files.filter(|path| !is_hidden(path) && path.is_file()).collect();
        }
        if self.path.is_file() { vec![self.path.clone()] } else { Vec::new() }
    }

    fn folders(&self) -> Vec<PathBuf> {
        if let Some(base) = &self.base {
            let rest = self.path.strip_prefix(base).unwrap_or(&self.path);
            let any = rest.components().any(|component| component.as_os_str() == "**");
            let depth = if any { usize::MAX } else { rest.components().count().saturating_sub(1) };
            return if base.is_dir() { beneath(base, depth) } else { nearest(base) };
        }
        let mut found = match self.path.parent() {
            Some(parent) if parent.is_dir() => vec![parent.to_owned()],
            _ => nearest(&self.path),
        };
        if self.path.is_dir() {
            found.extend(beneath(&self.path, usize::MAX));
        } else if let Some(real) = &self.real {
            // What a link leads to is written to in another folder.
            found.extend(real.parent().map(Path::to_owned));
        }
        found
    }

    fn concerns(&self, path: &Path) -> bool {
        let whole = self.base.as_ref().unwrap_or(&self.path);
        if whole.starts_with(path) || self.real.as_ref().is_some_and(|real| real.starts_with(path)) {
            return true;
        }
        match &self.pattern {
            Some(pattern) => path.starts_with(whole) && (pattern.matches_path_with(path, MATCHING) || is_folder(path)),
            None => path.starts_with(&self.path),
        }
    }
}

/// Whether it may be a folder: one that is gone can't be asked, but has no extension as a rule.
fn is_folder(path: &Path) -> bool {
    path.is_dir() || (!path.exists() && path.extension().is_none())
}

/// The nearest folder above that is there.
fn nearest(path: &Path) -> Vec<PathBuf> {
    path.ancestors().find(|above| above.is_dir()).map(Path::to_owned).into_iter().collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Whether it is a tool's own: a dot before the name, or what Python compiles.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.') || name == "__pycache__")
}

/// A folder and those in it, `depth` levels down, but for hidden ones. Links to folders aren't followed, since they may
/// lead in a circle.
fn beneath(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut level = 0..1;
    for _ in 0..depth {
        let before = found.len();
        for at in level.clone() {
            for path in entries(&found[at]) {
                if !is_hidden(&path) && found.len() < MOST_FOLDERS && path.is_dir() && !path.is_symlink() {
                    found.push(path);
                }
            }
        }
        level = before..found.len();
        if level.is_empty() {
            break;
        }
    }
    found
}

/// Without `.` and, as far as the text tells, without `..`.
fn clean(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if found.file_name().is_some() => {
                found.pop();
            }
            other => found.push(other),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn project() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("folder");
        let root = dir.path().canonicalize().expect("a path");
        for path in [
            "data/a.csv",
            "data/b.txt",
            "data/2024/01/x.csv",
            "src/one.py",
            "src/.git/y",
            "src/.x.swp",
            "src/__pycache__/one.pyc",
            "p.yaml",
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "x").expect("written");
        }
        (dir, root)
    }

    fn names(root: &Path, paths: impl IntoIterator<Item = PathBuf>) -> Vec<String> {
        let name = |path: PathBuf| path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
        paths.into_iter().map(name).collect()
    }

    #[test]
    fn files_folders_and_globs_are_found() {
        let (_dir, root) = project();
        let watched = Watched::new(&root).rules(["./p.yaml", "src"]).data(["data/*.csv", "data/**/x.csv", "no.csv"]);
        let files = watched.files();
        assert_eq!(files.values().filter(|rules| **rules).count(), 2);
        assert_eq!(names(&root, files.into_keys()), ["data/2024/01/x.csv", "data/a.csv", "p.yaml", "src/one.py"]);
        assert_eq!(names(&root, watched.folders()), ["", "data", "data/2024", "data/2024/01", "src"]);
    }

    #[test]
    fn a_folder_that_is_missing_is_waited_for_above() {
        let (_dir, root) = project();
        let watched = Watched::new(&root).data(["later/today/*.csv", "data/2025/a.csv"]);
        assert_eq!(watched.files().len(), 0);
        assert_eq!(names(&root, watched.folders()), ["", "data"]);
        for path in ["later", "later/today", "later/today/a.csv", "data", "data/2025", "data/2025/a.csv"] {
            assert!(watched.concerns(&root.join(path)), "{path}");
        }
        for path in ["other", "later/x.csv", "data/2024", "data/2025/b.csv", "later/today/a.txt"] {
            assert!(!watched.concerns(&root.join(path)), "{path}");
        }
    }

    #[test]
    fn what_runs_write_is_no_reason_for_a_run() {
        let (_dir, root) = project();
        let watched = Watched::new(&root).data(["data/*.csv"]).written(["data/a.csv"]);
        assert_eq!(watched.files().len(), 0);
        assert!(!watched.concerns(&root.join("data/a.csv")) && watched.concerns(&root.join("data/c.csv")));
        let all = Watched::new(&root).data(["**/*.db"]);
        assert!(!all.concerns(&root.join(".gristmill/state.db")));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_to_the_folder_that_is_written_to() {
        let (_dir, root) = project();
        fs::create_dir(root.join("real")).expect("made");
        fs::write(root.join("real/r.csv"), "x").expect("written");
        std::os::unix::fs::symlink(root.join("real/r.csv"), root.join("data/l.csv")).expect("linked");
        let watched = Watched::new(&root).data(["data/l.csv"]);
        assert!(watched.folders().contains(&root.join("real")));
        assert!(watched.concerns(&root.join("real/r.csv")));
    }
}
