//! What the locks of every branch, tag and other reference of git name: asked of `git` itself, all in one process.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::roots::{LOCK, digests_in};
use crate::source::Fault;
use crate::store::Digest;

/// What git knows of the project's locks.
pub enum Branches {
    /// The project isn't under git.
    None,
    /// It is, but there is no `git` to ask.
    Unasked,
    /// What the locks of so many references name.
    Named {
        /// Branches, remote-tracking branches, tags and whatever else points to a commit.
        references: usize,
        /// The keys and digests.
        digests: HashSet<Digest>,
    },
}

/// Reads the locks of all references of the repository that `root` is in.
pub fn branches(root: &Path) -> Result<Branches, Fault> {
    if !root.ancestors().any(|folder| folder.join(".git").exists()) {
        return Ok(Branches::None);
    }
    let listed = match git(root).args(["for-each-ref", "--format=%(objectname)"]).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Branches::Unasked),
        other => other.map_err(|error| failed(&error.to_string()))?,
    };
    if !listed.status.success() {
        return Err(failed(String::from_utf8_lossy(&listed.stderr).trim()));
    }
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut tips: Vec<&str> = listed.lines().collect();
    let references = tips.len();
    // A commit that no branch has, while it is checked out.
    tips.push("HEAD");
    tips.sort_unstable();
    tips.dedup();
    let mut objects = Objects::open(root)?;
    let mut digests = HashSet::new();
    let mut seen = HashSet::new();
    for tip in tips {
        let mut trees = vec![format!("{tip}^{{tree}}")];
        while let Some(tree) = trees.pop() {
            let Some(bytes) = objects.get(&tree)? else { continue };
            for entry in entries(&bytes, objects.width) {
                let wanted = entry.is_tree || entry.name.ends_with(LOCK.as_bytes());
                if !wanted || !seen.insert(entry.id.clone()) {
                    continue;
                }
                if entry.is_tree {
                    trees.push(entry.id);
                } else if let Some(text) = objects.get(&entry.id)? {
                    digests.extend(digests_in(&String::from_utf8_lossy(&text)));
                }
            }
        }
    }
    Ok(Branches::Named { references, digests })
}

fn git(root: &Path) -> Command {
    let mut git = Command::new("git");
    // What isn't here isn't fetched: a partial clone stays one.
    git.arg("-C").arg(root).env("GIT_NO_LAZY_FETCH", "1").stdin(Stdio::null());
    git
}

fn failed(why: &str) -> Fault {
    Fault::new("git-failed", format!("git can't tell what its branches need: {why}"))
        .help("mend that first: without it, `gc` would drop what other branches need")
}

/// `git cat-file --batch`: asked for an object, it answers with its bytes.
struct Objects {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    /// How long an object's name is, in bytes.
    width: usize,
}

impl Objects {
    fn open(root: &Path) -> Result<Self, Fault> {
        let mut git = git(root);
        git.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = git.spawn().map_err(|error| failed(&error.to_string()))?;
        let to = child.stdin.take();
        let from = child.stdout.take().map(BufReader::new).expect("it was piped");
        Ok(Self { child, to, from, width: 20 })
    }

    /// An object's bytes; none if it isn't there.
    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.ask(name).map_err(|error| failed(&error.to_string()))
    }

    fn ask(&mut self, name: &str) -> std::io::Result<Option<Vec<u8>>> {
        let to = self.to.as_mut().expect("open until it is dropped");
        writeln!(to, "{name}")?;
        to.flush()?;
        let mut head = String::new();
        if self.from.read_line(&mut head)? == 0 {
            return Err(std::io::Error::other("it ended"));
        }
        // `ID TYPE SIZE`, or `NAME missing`.
        let words: Vec<&str> = head.split_whitespace().collect();
        let [id, _, size] = words[..] else { return Ok(None) };
        let Ok(size) = size.parse::<usize>() else { return Ok(None) };
        self.width = id.len() / 2;
        let mut bytes = vec![0; size + 1];
        self.from.read_exact(&mut bytes)?;
        bytes.pop();
        Ok(Some(bytes))
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // It ends when nobody asks any more.
        self.to = None;
        drop(self.child.wait());
    }
}

/// An entry of a tree.
struct Entry {
    is_tree: bool,
    name: Vec<u8>,
    id: String,
}

/// The entries of a tree: mode, space, name, zero byte, the bytes of the object's name.
fn entries(mut bytes: &[u8], width: usize) -> Vec<Entry> {
    let mut found = Vec::new();
    while let Some(zero) = bytes.iter().position(|byte| *byte == 0) {
        let Some(id) = bytes.get(zero + 1..zero + 1 + width) else { break };
        let Some(space) = bytes[..zero].iter().position(|byte| *byte == b' ') else { break };
        let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
        found.push(Entry { is_tree: &bytes[..space] == b"40000", name: bytes[space + 1..zero].to_vec(), id });
        bytes = &bytes[zero + 1 + width..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(root: &Path, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(root).args(["-c", "user.name=n", "-c", "user.email=e@x"]).args(arguments);
        let ran = git.output().expect("git is there");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }

    #[test]
    fn every_branch_and_tag_is_heard() {
        let dir = tempfile::tempdir().expect("folder");
        let root = dir.path();
        assert!(matches!(branches(root), Ok(Branches::None)));
        let all = [b"0", b"1", b"2", b"3", b"4"].map(|bytes| Digest::of(bytes));
        let write = |name: &str, digest: &Digest| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, format!("key: {digest}\n")).expect("written");
        };
        run(root, &["init", "-q", "-b", "main"]);
        assert!(matches!(branches(root), Ok(Branches::Named { references: 0, .. })), "no commit yet");
        for (nth, place) in ["pipelines/p.lock", "pipelines/p.lock", "deep/er/q.lock"].into_iter().enumerate() {
            write(place, &all[nth]);
            run(root, &["add", "."]);
            run(root, &["commit", "-q", "-m", "m"]);
            if nth == 0 {
                run(root, &["tag", "-a", "v1", "-m", "m"]);
            }
        }
        run(root, &["checkout", "-q", "-b", "side", "v1"]);
        write("pipelines/p.lock", &all[3]);
        run(root, &["commit", "-q", "-a", "-m", "m"]);
        run(root, &["checkout", "-q", "main"]);
        write("pipelines/p.lock", &all[4]);
        let Ok(Branches::Named { references, digests }) = branches(root) else { panic!("git answers") };
        assert_eq!(references, 3);
        assert_eq!(digests, all[..4].iter().copied().collect(), "all but what isn't committed");
    }
}
