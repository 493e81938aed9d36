//! Hearing that something happened in folders, whatever becomes of the folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// How many messages may wait. Whoever has that much to hear looks at everything.
const MOST: usize = 4096;

/// What is heard.
#[derive(Debug)]
pub(super) enum Message {
    /// Something happened at these paths; maybe to folders.
    Touched { at: Instant, paths: Vec<PathBuf>, folders: bool },
    /// Events were lost: anything may have happened.
    Rescan,
    /// No more folders can be listened to.
    Deaf(String),
    /// To stop.
    Stop,
}

/// Where messages arrive.
pub struct Inbox {
    messages: Receiver<Message>,
    sender: SyncSender<Message>,
    overflowed: Arc<AtomicBool>,
}

/// Wakes a watch, so that it sees that it is to stop.
#[derive(Clone)]
pub struct Stopper(SyncSender<Message>);

impl Stopper {
    /// From now on the watch looks whether it is to stop.
    pub fn wake(&self) {
        // A watch with a full inbox is awake, and one that has ended has stopped.
        let _ = self.0.try_send(Message::Stop);
    }
}

/// A place for messages, and what wakes its owner.
pub fn inbox() -> (Inbox, Stopper) {
    let (sender, messages) = sync_channel(MOST);
    (Inbox { messages, sender: sender.clone(), overflowed: Arc::default() }, Stopper(sender))
}

impl Inbox {
    /// The next message; none if there is none until then.
    pub(super) fn wait(&self, until: Option<Instant>) -> Option<Message> {
        if self.overflowed.swap(false, Ordering::Relaxed) {
            return Some(Message::Rescan);
        }
        let Some(until) = until else { return self.messages.recv().ok() };
        self.messages.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
    }
}

/// What listens.
pub(super) struct Ears {
    watcher: Option<RecommendedWatcher>,
    armed: BTreeMap<PathBuf, Identity>,
}

/// Which folder it is, since another may have its name by now.
type Identity = (u64, Option<SystemTime>);

impl Ears {
    /// Tells what it hears to an inbox.
    ///
    /// # Errors
    /// If the system has nothing to listen with.
    pub(super) fn new(inbox: &Inbox) -> Result<Self, String> {
        let (sender, overflowed) = (inbox.sender.clone(), Arc::clone(&inbox.overflowed));
        let watcher = notify::recommended_watcher(move |event| {
            let Some(message) = heard(event) else { return };
            if let Err(TrySendError::Full(_)) = sender.try_send(message) {
                overflowed.store(true, Ordering::Relaxed);
            }
        });
        Ok(Self { watcher: Some(watcher.map_err(|error| reason(&error))?), armed: BTreeMap::new() })
    }

    /// Hears nothing.
    pub(super) fn deaf() -> Self {
        Self { watcher: None, armed: BTreeMap::new() }
    }

    /// Whether it listens at all.
    pub(super) fn listens(&self) -> bool {
        self.watcher.is_some()
    }

    /// How many folders it listens to.
    pub(super) fn folders(&self) -> usize {
        self.armed.len()
    }

    /// Listens to these folders from now on, and no others. A folder that was removed and made again is listened to anew.
    ///
    /// # Errors
    /// If the system's limit is reached.
    pub(super) fn listen(&mut self, wanted: &BTreeSet<PathBuf>) -> Result<(), String> {
        let Some(watcher) = &mut self.watcher else { return Ok(()) };
        let gone: Vec<PathBuf> = self
            .armed
            .iter()
            .filter(|(path, identity)| !wanted.contains(*path) || identify(path).as_ref() != Some(*identity))
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            // The system forgets a folder that is gone by itself.
            let _ = watcher.unwatch(&path);
            self.armed.remove(&path);
        }
        for path in wanted {
            if self.armed.contains_key(path) {
                continue;
            }
            let Some(identity) = identify(path) else { continue };
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.armed.insert(path.clone(), identity)),
                Err(error) if is_limit(&error) => return Err(reason(&error)),
                // It went away a moment ago, or may not be read: what is above it is listened to.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// A folder, or one above it, was renamed, removed or made: what is listened to under its name may be another one.
    /// Whether anything was.
    pub(super) fn forget(&mut self, path: &Path) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let beneath: Vec<PathBuf> = self.armed.keys().filter(|armed| armed.starts_with(path)).cloned().collect();
        for path in &beneath {
            // The system may have forgotten it already.
            let _ = watcher.unwatch(path);
            self.armed.remove(path);
        }
        !beneath.is_empty()
    }
}

fn heard(event: notify::Result<Event>) -> Option<Message> {
    let at = Instant::now();
    let event = match event {
        Ok(event) => event,
        Err(error) if is_limit(&error) => return Some(Message::Deaf(reason(&error))),
        Err(_) => return Some(Message::Rescan),
    };
    if event.need_rescan() {
        return Some(Message::Rescan);
    }
    let folders = match event.kind {
        // Reading changes nothing; our own reading would wake us for ever.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => return None,
        EventKind::Create(kind) => kind != CreateKind::File,
        EventKind::Remove(kind) => kind != RemoveKind::File,
        EventKind::Modify(kind) => matches!(kind, ModifyKind::Name(_)),
        _ => false,
    };
    Some(Message::Touched { at, paths: event.paths, folders })
}

fn is_limit(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::MaxFilesWatch => true,
        // ENOSPC and EMFILE: as many as the system allows.
        ErrorKind::Io(error) => matches!(error.raw_os_error(), Some(24 | 28)),
        _ => false,
    }
}

fn reason(error: &notify::Error) -> String {
    if is_limit(error) {
        return "the system's limit of folders that programs may listen to is reached (`fs.inotify`)".to_owned();
    }
    error.to_string()
}

#[cfg(unix)]
fn identify(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
    Some((about.ino(), about.created().ok()))
}

#[cfg(not(unix))]
fn identify(path: &Path) -> Option<Identity> {
    let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
    Some((0, about.created().ok()))
}

/// A moment that soon.
pub(super) fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or_else(|| now + Duration::from_secs(86_400 * 365))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Whether a path is heard of soon.
    fn hears(inbox: &Inbox, path: &Path) -> bool {
        let until = Instant::now() + Duration::from_secs(10);
        while let Some(message) = inbox.wait(Some(until)) {
            if matches!(&message, Message::Touched { paths, .. } if paths.iter().any(|other| other == path)) {
                return true;
            }
        }
        false
    }

    #[test]
    fn folders_that_are_made_again_are_listened_to_again() {
        let dir = tempfile::tempdir().expect("folder");
        let root = dir.path().canonicalize().expect("a path");
        let data = root.join("data");
        let wanted = BTreeSet::from([root.clone(), data.clone()]);
        fs::create_dir(&data).expect("made");
        let (inbox, _) = inbox();
        let mut ears = Ears::new(&inbox).expect("the system has ears");
        for round in 0..3 {
            ears.listen(&wanted).expect("few folders");
            assert_eq!(ears.folders(), 2);
            let file = data.join(format!("{round}.csv"));
            fs::write(&file, "x").expect("written");
            assert!(hears(&inbox, &file), "round {round}");
            fs::rename(&data, root.join(format!("old-{round}"))).expect("renamed");
            assert!(hears(&inbox, &data), "round {round}");
            ears.forget(&data);
            fs::create_dir(&data).expect("made again");
        }
    }

    #[test]
    fn reading_is_not_heard() {
        let dir = tempfile::tempdir().expect("folder");
        let root = dir.path().canonicalize().expect("a path");
        let file = root.join("a.csv");
        fs::write(&file, "x").expect("written");
        let (inbox, stopper) = inbox();
        let mut ears = Ears::new(&inbox).expect("the system has ears");
        ears.listen(&BTreeSet::from([root.clone()])).expect("one folder");
        for _ in 0..20 {
            fs::read(&file).expect("read");
        }
        assert!(inbox.wait(Some(Instant::now() + Duration::from_millis(200))).is_none());
        stopper.wake();
        assert!(matches!(inbox.wait(None), Some(Message::Stop)));
    }

    #[test]
    fn a_full_inbox_asks_for_a_look_at_everything() {
        let dir = tempfile::tempdir().expect("folder");
        let root = dir.path().canonicalize().expect("a path");
        let (inbox, _) = inbox();
        let mut ears = Ears::new(&inbox).expect("the system has ears");
        ears.listen(&BTreeSet::from([root.clone()])).expect("one folder");
        for _ in 0..MOST {
            fs::write(root.join("a.csv"), "x").expect("written");
        }
        let until = Instant::now() + Duration::from_secs(20);
        while !matches!(inbox.wait(Some(until)).expect("soon"), Message::Rescan) {}
    }
}
