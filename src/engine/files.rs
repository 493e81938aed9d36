//! The files that a path or a glob stands for.
//!
//! A glob's parts are matched by the `glob` crate's patterns; walking is done here, because a hundred thousand files must be
//! listed without asking for each what it is: the folder's listing says so.

use std::fs::{self, DirEntry};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use glob::Pattern;

use crate::source::Fault;

/// One part of a glob, between two `/`.
enum Part {
    /// A name as it is.
    Plain(String),
    /// A name with `*`, `?` or `[…]` in it.
    Match(Pattern),
    /// `**`: any folder beneath, and the one that it stands in.
    Any,
}

/// What is done with a name.
type Take<'a> = dyn FnMut(String) -> ControlFlow<()> + 'a;

/// Whether a path is a glob.
pub(super) fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The names of all files that a glob stands for, sorted; relative to `root` unless the glob is absolute.
pub(super) fn matching(root: &Path, glob: &str) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    each(root, glob, &mut |name| {
        found.push(name);
        ControlFlow::Continue(())
    })?;
    found.sort_unstable();
    Ok(found)
}

/// Whether a glob stands for any file.
pub(super) fn is_matched(root: &Path, glob: &str) -> Result<bool, Fault> {
    let mut any = false;
    each(root, glob, &mut |_| {
        any = true;
        ControlFlow::Break(())
    })?;
    Ok(any)
}

fn each(root: &Path, glob: &str, take: &mut Take) -> Result<(), Fault> {
    let parts = parts(glob)?;
    let (folder, name) = if glob.starts_with('/') { (PathBuf::from("/"), "/") } else { (root.to_owned(), "") };
    let _ = walk(&Place { folder: &folder, name, links: &[] }, &parts, take);
    Ok(())
}

fn parts(glob: &str) -> Result<Vec<Part>, Fault> {
    let mut parts = Vec::new();
    for part in glob.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == "**" {
            // Twice in a row it means the same.
            if !matches!(parts.last(), Some(Part::Any)) {
                parts.push(Part::Any);
            }
        } else if is_glob(part) {
            let pattern = Pattern::new(part)
                .map_err(|error| Fault::new("bad-glob", format!("`{glob}` isn't a glob: {}", error.msg)))?;
            parts.push(Part::Match(pattern));
        } else {
            parts.push(Part::Plain(part.to_owned()));
        }
    }
    Ok(parts)
}

/// A folder that is walked.
struct Place<'a> {
    folder: &'a Path,
    /// Its name in what is found.
    name: &'a str,
    /// Where the links lead that were followed under `**` on the way here.
    links: &'a [PathBuf],
}

impl Place<'_> {
    fn under(&self, name: &str) -> String {
        let folder = self.name;
        if folder.is_empty() || folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
    }
}

fn walk(place: &Place, parts: &[Part], take: &mut Take) -> ControlFlow<()> {
    let Some((part, rest)) = parts.split_first() else { return ControlFlow::Continue(()) };
    let enter = |name: &str, parts: &[Part], links: &[PathBuf], take: &mut Take| {
        walk(&Place { folder: &place.folder.join(name), name: &place.under(name), links }, parts, take)
    };
    match part {
        Part::Plain(plain) if rest.is_empty() => {
            if place.folder.join(plain).is_file() {
                take(place.under(plain))
            } else {
                ControlFlow::Continue(())
            }
        }
        Part::Plain(plain) => enter(plain, rest, place.links, take),
        Part::Match(pattern) => {
            for (entry, name) in entries(place.folder).filter(|(_, name)| pattern.matches(name)) {
                if !rest.is_empty() {
                    enter(&name, rest, place.links, take)?;
                } else if is_file(&entry) {
                    take(place.under(&name))?;
                }
            }
            ControlFlow::Continue(())
        }
        Part::Any => {
            walk(place, rest, take)?;
            for (entry, name) in entries(place.folder) {
                let kind = entry.file_type();
                if kind.as_ref().is_ok_and(|kind| kind.is_dir()) {
                    enter(&name, parts, place.links, take)?;
                } else if kind.is_ok_and(|kind| kind.is_symlink())
                    && let Some(links) = followed(place, &entry.path())
                {
                    enter(&name, parts, &links, take)?;
                }
            }
            ControlFlow::Continue(())
        }
    }
}

/// The links that were followed, this one included; none if it leads to no folder, or back to one that it is in.
fn followed(place: &Place, link: &Path) -> Option<Vec<PathBuf>> {
    let target = link.canonicalize().ok().filter(|target| target.is_dir())?;
    let back = place.links.contains(&target) || place.folder.canonicalize().ok()?.starts_with(&target);
    (!back).then(|| place.links.iter().cloned().chain([target]).collect())
}

/// What is in a folder; nothing if it can't be listed.
fn entries(folder: &Path) -> impl Iterator<Item = (DirEntry, String)> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        Some((entry, name))
    })
}

fn is_file(entry: &DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_file() => true,
        Ok(kind) if kind.is_symlink() => entry.path().is_file(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("folder");
        for path in
            ["data/b.csv", "data/a.csv", "data/.c.csv", "data/a.txt", "data/x/a.csv", "data/x/y/d1.csv", "top.csv"]
        {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "").expect("written");
        }
        fs::create_dir(dir.path().join("data/folder.csv")).expect("made");
        dir
    }

    #[test]
    fn it_finds_what_the_glob_crate_finds() {
        let dir = tree();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("a.csv", dir.path().join("data/link.csv")).expect("linked");
            std::os::unix::fs::symlink("data/x", dir.path().join("elsewhere")).expect("linked");
            std::os::unix::fs::symlink("nowhere", dir.path().join("data/dangling.csv")).expect("linked");
        }
        for glob in [
            "data/*.csv",
            "data/?.csv",
            "data/[ab].csv",
            "data/[!a].csv",
            "data/**/*.csv",
            "**/*.csv",
            "*.csv",
            "**/a.csv",
            "data/*/a.csv",
            "./data/*.csv",
            "data//*.csv",
            "data/**/**/d?.csv",
            "data/**",
            "nowhere/*.csv",
            "data/x/../*.csv",
            "data/x/y/d[0-9].csv",
            "*/a.*",
        ] {
            let pattern = dir.path().join(glob);
            let mut expected: Vec<String> = glob::glob(&pattern.to_string_lossy())
                .expect("a glob")
                .filter_map(Result::ok)
                .filter(|file| file.is_file())
                .map(|file| file.strip_prefix(dir.path()).expect("beneath").to_string_lossy().into_owned())
                .collect();
            expected.sort();
            expected.dedup();
            assert_eq!(matching(dir.path(), glob).expect("found"), expected, "{glob}");
            assert_eq!(is_matched(dir.path(), glob).expect("found"), !expected.is_empty(), "{glob}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_in_circles_end() {
        let dir = tree();
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, dir.path().join(at)).expect("linked");
        link("../data", "data/back");
        fs::create_dir(dir.path().join("other")).expect("made");
        link("../data/x", "other/there");
        link("../../other", "data/x/over");
        let found = matching(dir.path(), "**/d1.csv").expect("found");
        let expected = [
            "data/x/over/there/y/d1.csv",
            "data/x/y/d1.csv",
            "other/there/over/there/y/d1.csv",
            "other/there/y/d1.csv",
        ];
        assert!(found.iter().all(|name| expected.contains(&name.as_str())), "{found:?}");
        assert!(found.contains(&"data/x/y/d1.csv".to_owned()) && found.contains(&"other/there/y/d1.csv".to_owned()));
    }

    #[test]
    fn an_absolute_glob_gives_absolute_names() {
        let dir = tree();
        let glob = dir.path().join("data/a*.csv");
        let found = matching(Path::new("/nowhere"), glob.to_str().expect("Unicode")).expect("found");
        assert_eq!(found, [dir.path().join("data/a.csv").to_string_lossy()]);
    }

    #[test]
    fn what_is_no_glob_is_told() {
        let fault = matching(Path::new("/"), "data/[a.csv").expect_err("no end");
        assert_eq!(fault.code, "bad-glob");
        assert!(fault.message.starts_with("`data/[a.csv` isn't a glob: "), "{fault}");
    }
}
