//! `pipelines/NAME.lock`: what a pipeline's last recorded run read and made, as text for git. One block a source and a step, sorted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::records::read;
use super::yaml::{pairs, unique};
use super::{Digest, Key, StoreError, sorted, write_atomic};

/// The form of the file. Raised when older binaries can't read it.
const FORMAT: u32 = 1;
const HEADER: &str = "# Written by gristmill: keep it in git, don't edit it.\n";
/// How lines begin that git leaves in a file where both sides changed it.
const MARKERS: [&str; 3] = ["<<<<<<<", "|||||||", ">>>>>>>"];

/// What a pipeline's last recorded run read and made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The form of the file; 1.
    pub format: u32,
    /// By name.
    #[serde(default, deserialize_with = "unique")]
    pub sources: BTreeMap<String, SourceLock>,
    /// By name.
    #[serde(default, deserialize_with = "unique")]
    pub steps: BTreeMap<String, StepLock>,
}

/// A source as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceLock {
    /// Of its bytes, or of what the remote says of them.
    pub digest: Digest,
    /// The name and kind of each column, in the table's order; no name twice.
    #[serde(default, with = "pairs")]
    pub columns: Vec<(String, String)>,
    /// How many there were, if they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The key under which its columns' digests are kept, if a step needed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
}

/// A step as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepLock {
    /// Its key.
    pub key: Key,
    /// The keys of what it is made of besides, by name: `split`, `cv`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    pub units: BTreeMap<String, Key>,
    /// The digest of each output, as text.
    #[serde(default, deserialize_with = "unique")]
    pub outputs: BTreeMap<String, String>,
    /// Its metrics, if it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Json>,
}

impl Default for Lock {
    fn default() -> Self {
        Self { format: FORMAT, sources: BTreeMap::new(), steps: BTreeMap::new() }
    }
}

impl Lock {
    /// The lock in a file; none if there is no file. `Lock` with a line if it can't be read, `Newer` if it's of a later format.
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = read(path)? else {
            return Ok(None);
        };
        match String::from_utf8(bytes) {
            Ok(text) => Self::parse(&text, path).map(Some),
            Err(_) => Err(wrong(path, 1, "it isn't text")),
        }
    }

    /// The lock in a file without its steps: all that is needed to know columns, and read much sooner where there are many steps.
    pub fn head(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = read(path)? else {
            return Ok(None);
        };
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Err(wrong(path, 1, "it isn't text"));
        };
        // Only at the beginning of a line does it stand for the key at the top.
        match text.split_once("\nsteps:") {
            Some((head, steps)) if !steps.lines().any(is_marker) => Self::parse(&format!("{head}\n"), path).map(Some),
            _ => Self::parse(text, path).map(Some),
        }
    }

    /// The lock in a text; `path` is for errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, StoreError> {
        if let Some(line) = text.lines().position(is_marker) {
            return Err(wrong(path, line + 1, "a merge conflict was left in it"));
        }
        match serde_yaml::from_str::<Self>(text) {
            Ok(lock) if lock.format <= FORMAT => Ok(lock),
            Ok(lock) => Err(newer(path, lock.format)),
            Err(error) => Err(unreadable(text, path, &error)),
        }
    }

    /// Its text: the same bytes for the same lock.
    pub fn text(&self) -> String {
        if self.steps.iter().any(|(name, step)| !step.is_simple(name)) {
            return self.any_text();
        }
        let head = Self { format: self.format, sources: self.sources.clone(), steps: BTreeMap::new() };
        let head = yaml(&head);
        let mut text = format!("{HEADER}{}", head.strip_suffix("steps: {}\n").expect("steps come last"));
        if self.steps.is_empty() {
            text.push_str("steps: {}\n");
            return text;
        }
        text.push_str("steps:\n");
        for (name, step) in &self.steps {
            step.write(name, &mut text);
        }
        text
    }

    /// Its text, whatever its names are.
    fn any_text(&self) -> String {
        let mut lock = self.clone();
        for step in lock.steps.values_mut() {
            step.metrics = step.metrics.as_ref().map(sorted);
        }
        format!("{HEADER}{}", yaml(&lock))
    }

    /// Writes the file if it would change, and says whether it did.
    pub fn write(&self, path: &Path) -> Result<bool, StoreError> {
        let text = self.text();
        // Git may have given it other line ends.
        let same = read(path)?.is_some_and(|found| {
            found == text.as_bytes() || String::from_utf8_lossy(&found).replace("\r\n", "\n") == text
        });
        if !same {
            write_atomic(path, text.as_bytes())?;
        }
        Ok(!same)
    }
}

/// The longest name that is sure to stand on one line.
const SHORT: usize = 100;
/// Words that mean something else in some version of YAML.
const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

impl StepLock {
    /// Whether all its names stand on one line.
    fn is_simple(&self, name: &str) -> bool {
        let fits = |name: &str| name.len() <= SHORT && !name.chars().any(char::is_control);
        fits(name)
            && self.units.keys().all(|name| fits(name))
            && self.outputs.iter().all(|(name, it)| fits(name) && it.starts_with("sha256:"))
    }

    /// Its block, as serde_yaml writes it. Blocks are many and all alike, and are written at every run to see whether
    /// the file would change.
    fn write(&self, name: &str, text: &mut String) {
        text.extend(["  ", &key(name), ":\n    key: ", &self.key.to_string(), "\n"]);
        if !self.units.is_empty() {
            text.push_str("    units:\n");
            for (name, unit) in &self.units {
                text.extend(["      ", &key(name), ": ", &unit.to_string(), "\n"]);
            }
        }
        text.push_str(if self.outputs.is_empty() { "    outputs: {}\n" } else { "    outputs:\n" });
        for (name, output) in &self.outputs {
            text.extend(["      ", &key(name), ": ", output, "\n"]);
        }
        if let Some(metrics) = &self.metrics {
            let block = yaml(&BTreeMap::from([("metrics", sorted(metrics))]));
            block.lines().for_each(|line| text.extend(["    ", line, "\n"]));
        }
    }
}

/// A key of a map: as it is where nobody could take it for anything but a word.
fn key(name: &str) -> Cow<'_, str> {
    let is_plain = !WORDS.iter().any(|word| name.eq_ignore_ascii_case(word))
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain {
        return Cow::Borrowed(name);
    }
    // With a value behind it, so that it is spelled as a key.
    let line = yaml(&BTreeMap::from([(name, 0)]));
    Cow::Owned(line.strip_suffix(": 0\n").unwrap_or(&line).to_owned())
}

fn yaml(value: &impl Serialize) -> String {
    serde_yaml::to_string(value).expect("maps with text for keys, numbers and text are YAML")
}

fn is_marker(line: &str) -> bool {
    line.trim_end() == "=======" || MARKERS.iter().any(|marker| line.starts_with(marker))
}

/// What this binary can't read may be of a format that it doesn't know.
fn unreadable(text: &str, path: &Path, error: &serde_yaml::Error) -> StoreError {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    if let Ok(Format { format }) = serde_yaml::from_str(text)
        && format > FORMAT
    {
        return newer(path, format);
    }
    let line = error.location().map_or(1, |location| location.line());
    let message = error.to_string();
    // The place is told before it.
    let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
    wrong(path, line, message)
}

fn newer(path: &Path, found: u32) -> StoreError {
    StoreError::Newer { path: path.to_owned(), found, known: FORMAT }
}

fn wrong(path: &Path, line: usize, message: &str) -> StoreError {
    StoreError::Lock { path: path.to_owned(), line, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    fn lock() -> Lock {
        let mut lock = Lock::default();
        let columns = [("zeta", "int"), ("no", "category"), ("a: b", "float"), ("1", "str")];
        let source = SourceLock {
            digest: Digest::of(b"csv"),
            columns: columns.map(|(name, kind)| (name.into(), kind.into())).into(),
            rows: Some(344),
            key: None,
        };
        lock.sources.insert("penguins".into(), source);
        for (name, metrics) in
            [("train", Some(json!({"f1": 0.1 + 0.2, "auc": 1.0, "by": {"b": 1e-9, "a": null}}))), ("clean", None)]
        {
            let step = StepLock {
                key: Key(Digest::of(name.as_bytes())),
                units: [("cv".to_owned(), Key(Digest::of(b"cv")))].into(),
                outputs: [("train".to_owned(), Digest::of(b"rows").to_string())].into(),
                metrics,
            };
            lock.steps.insert(name.into(), step);
        }
        lock
    }

    fn parse(text: &str) -> Result<Lock, StoreError> {
        Lock::parse(text, Path::new("p.lock"))
    }

    #[test]
    fn a_lock_is_text_and_back_byte_for_byte() {
        let text = lock().text();
        let back = parse(&text).expect("read");
        assert_eq!(back, lock());
        assert_eq!(back.text(), text);
        let expected = format!(
            "{HEADER}format: 1\nsources:\n  penguins:\n    digest: {}\n    columns:\n      zeta: int\n",
            Digest::of(b"csv")
        );
        assert!(text.starts_with(&expected), "{text}");
        assert!(text.contains("f1: 0.30000000000000004\n"), "{text}");
        assert!(text.find("  clean:\n") < text.find("  train:\n    key"), "{text}");
        assert_eq!(parse(&Lock::default().text()).expect("read"), Lock::default());
    }

    proptest::proptest! {
        #[test]
        fn any_name_comes_back(
            names in proptest::collection::btree_set("(?s).{0,12}|[\\[{#&*!|>'\"%@`~?:-][ a]?|[0-9.eE+-]{1,6}|=======\n", 0..6),
            figure: f64,
        ) {
            let mut lock = Lock::default();
            let columns = names.iter().map(|name| (name.clone(), name.clone())).collect();
            lock.sources.insert("s".into(), SourceLock { digest: Digest::of(b""), columns, rows: None, key: None });
            for name in names {
                let metrics = Some(json!({name.clone(): figure}));
                let units = BTreeMap::from([(name.clone(), Key(Digest::of(b"")))]);
                lock.steps.insert(name, StepLock { key: Key(Digest::of(b"")), units, outputs: BTreeMap::new(), metrics });
            }
            let whole = format!("{HEADER}{}", yaml(&lock));
            proptest::prop_assert_eq!(lock.text(), whole);
            proptest::prop_assert_eq!(parse(&lock.text()).map_err(|error| error.to_string()), Ok(lock));
        }
    }

    #[test]
    fn an_unchanged_lock_is_not_written() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("pipelines/p.lock");
        assert_eq!(Lock::read(&path).expect("none"), None);
        assert!(lock().write(&path).expect("written"));
        assert!(!lock().write(&path).expect("the same"));
        fs::write(&path, lock().text().replace('\n', "\r\n")).expect("other line ends");
        assert!(!lock().write(&path).expect("the same"));
        assert_eq!(Lock::read(&path).expect("read"), Some(lock()));
        assert!(Lock::default().write(&path).expect("another"));
    }

    #[test]
    fn a_merge_conflict_is_told_with_its_line() {
        let text = lock().text();
        let line = 1 + text.lines().position(|line| line == "  train:").expect("a block");
        let torn = text.replace("  train:\n    key", "<<<<<<< HEAD\n  train:\n    key");
        let error = parse(&torn).expect_err("a marker").to_string();
        assert_eq!(error, format!("`p.lock`, line {line}: a merge conflict was left in it"));
        assert!(parse(&format!("{text}=======\n")).is_err());
    }

    #[test]
    fn a_block_told_twice_and_a_torn_digest_are_told_with_their_line() {
        let text = lock().text();
        let (before, train) = text.split_once("  train:\n    key").expect("a block");
        let twice = format!("{before}  train:\n    key{train}  train:\n    key{train}");
        let error = parse(&twice).expect_err("twice").to_string();
        assert!(error.contains("`train` is there twice"), "{error}");
        let key = lock().steps["train"].key.to_string();
        let torn = text.replace(&key, &key[..40]);
        let StoreError::Lock { line, message, .. } = parse(&torn).expect_err("torn") else { panic!("a lock error") };
        let expected = 1 + torn.lines().position(|line| line.ends_with(&key[..40])).expect("there");
        assert_eq!(line, expected, "{message}");
        assert!(message.contains("isn't a digest") && !message.contains("at line"), "{message}");
    }

    #[test]
    fn the_head_has_all_but_the_steps_and_sees_conflicts() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("p.lock");
        assert_eq!(Lock::head(&path).expect("none"), None);
        for lock in [lock(), Lock::default()] {
            fs::write(&path, lock.text()).expect("written");
            let head = Lock::head(&path).expect("read").expect("there");
            assert_eq!(head, Lock { steps: BTreeMap::new(), ..lock });
        }
        fs::write(&path, format!("{}=======\n", lock().text())).expect("written");
        assert!(Lock::head(&path).is_err());
        fs::write(&path, "format: 7\nnew: {}\nsteps: {}\n").expect("written");
        assert!(matches!(Lock::head(&path), Err(StoreError::Newer { .. })));
    }

    #[test]
    fn a_later_format_asks_for_a_later_gristmill() {
        for text in ["format: 2\nsteps: {}\n", "format: 7\nnew: {}\n"] {
            assert!(matches!(parse(text), Err(StoreError::Newer { .. })), "{text}");
        }
        assert!(matches!(parse("format: 1\nnew: {}\n"), Err(StoreError::Lock { .. })));
        assert!(matches!(parse(""), Err(StoreError::Lock { .. })));
    }
}
