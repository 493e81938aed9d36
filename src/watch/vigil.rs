//! The watch itself: hears, waits, and lets each pipeline have its turn.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::ears::{Ears, Message, after};
use super::pace::Pace;
use super::post::{Moment, Post};
use super::remote::silent;
use super::{Event, Inbox, Job, Watched};
use crate::store::Clock;

/// How often it is looked at everything although events tell of changes: for what they may not tell.
const NET: Duration = Duration::from_secs(60);
/// How often, where events tell nothing.
const POLL: Duration = Duration::from_secs(2);
/// How long after a new pipeline's file appeared it is taken up.
const QUIET: Duration = Duration::from_millis(300);

/// How to watch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The project's root.
    pub root: PathBuf,
    /// Look at everything that often, instead of listening.
    pub poll: Option<Duration>,
    /// The clock on the wall, for schedules.
    pub clock: Clock,
}

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Between two runs.
    Idle,
    /// During a run, which was stopped.
    Interrupted,
}

/// Jobs for pipelines that are new, given the names of those that are watched.
pub type More<'a, J> = &'a mut dyn FnMut(&[String]) -> Vec<J>;

/// Watches until `stop` is set and the inbox is woken. `more` finds pipelines that are new in the project; without it only
/// `jobs` are watched.
pub fn watch<J: Job>(
    settings: &Settings,
    jobs: Vec<J>,
    more: Option<More<'_, J>>,
    inbox: &Inbox,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(&Event),
) -> End {
    let mut vigil = Vigil::new(settings, inbox, tell);
    for job in jobs {
        vigil.add(job, tell);
    }
    if more.is_some() {
        vigil.roster = Some(Watched::new(&settings.root).rules(["pipelines/*.yaml", "pipelines/*.yml"]));
    }
    vigil.listen(tell);
    tell(&vigil.watching());
    let end = vigil.go(more, inbox, stop, tell);
    tell(&Event::Stopped);
    end
}

struct Vigil<J> {
    clock: Clock,
    posts: Vec<Post<J>>,
    ears: Ears,
    /// How often it is looked at everything.
    poll: Duration,
    /// Whether looking is all that can be relied on.
    polls: bool,
    next_poll: Instant,
    /// Whether folders came or went since it was said which to listen to.
    stale: bool,
    /// Where new pipelines appear.
    roster: Option<Watched>,
    roster_pace: Pace,
}

impl<J: Job> Vigil<J> {
    fn new(settings: &Settings, inbox: &Inbox, tell: &mut dyn FnMut(&Event)) -> Self {
        let ears = match settings.poll {
            Some(_) => Ears::deaf(),
            None => Ears::new(inbox).unwrap_or_else(|why| {
                tell(&Event::Note { message: format!("files can't be listened to, so they are looked at: {why}") });
                Ears::deaf()
            }),
        };
        let polls = !ears.listens();
        let poll = settings.poll.unwrap_or(if polls { POLL } else { NET });
        Self {
            clock: settings.clock.clone(),
            posts: Vec::new(),
            ears,
            poll,
            polls,
            next_poll: after(Instant::now(), poll),
            stale: false,
            roster: None,
            roster_pace: Pace::default(),
        }
    }

    fn add(&mut self, job: J, tell: &mut dyn FnMut(&Event)) {
        self.posts.push(Post::new(job, self.clock.now(), tell));
    }

    fn watching(&self) -> Event {
        Event::Watching {
            pipelines: self.names(),
            files: self.posts.iter().map(Post::files).sum(),
            folders: self.ears.folders(),
            poll: self.poll,
        }
    }

    fn names(&self) -> Vec<String> {
        self.posts.iter().map(|post| post.job.name().to_owned()).collect()
    }

    fn go(
        &mut self,
        mut more: Option<More<'_, J>>,
        inbox: &Inbox,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(&Event),
    ) -> End {
        loop {
            if stop.load(Ordering::Relaxed) {
                return End::Idle;
            }
            self.hear_all(inbox, tell);
            self.look_from_time_to_time();
            if let Some(more) = &mut more
                && self.roster_pace.take(QUIET, Instant::now())
            {
                let known = self.names();
                more(&known).into_iter().for_each(|job| self.add(job, tell));
            }
            if self.has_due() {
                // Folders first: what is written after the look is heard.
                self.listen(tell);
                if self.turns(inbox, stop, tell) {
                    return End::Interrupted;
                }
                self.listen(tell);
                continue;
            }
            let idle = self.posts.iter_mut().any(Post::idle);
            let until = if idle { Instant::now() } else { self.wake_up() };
            if let Some(message) = inbox.wait(Some(until)) {
                self.hear(message, tell);
            }
        }
    }

    /// Lets each pipeline that is due have its turn. Whether a run was interrupted.
    fn turns(&mut self, inbox: &Inbox, stop: &AtomicBool, tell: &mut dyn FnMut(&Event)) -> bool {
        for index in 0..self.posts.len() {
            if stop.load(Ordering::Relaxed) {
                return false;
            }
            let at = self.moment();
            let post = &mut self.posts[index];
            if post.due(at).is_none_or(|due| due > at.now) {
                continue;
            }
            if post.turn(at, tell).is_some_and(|outcome| outcome.interrupted) {
                return true;
            }
            // What one run writes may be what the next pipeline reads.
            self.hear_all(inbox, tell);
        }
        false
    }

    fn moment(&self) -> Moment {
        Moment { now: Instant::now(), wall: self.clock.now() }
    }

    fn has_due(&self) -> bool {
        let at = self.moment();
        self.posts.iter().any(|post| post.due(at).is_some_and(|due| due <= at.now))
    }

    /// When there is something to do, if nothing is heard.
    fn wake_up(&self) -> Instant {
        let at = self.moment();
        let dues = self.posts.iter().filter_map(|post| post.due(at));
        dues.chain(self.roster_pace.due(QUIET)).fold(self.next_poll, Instant::min)
    }

    fn hear_all(&mut self, inbox: &Inbox, tell: &mut dyn FnMut(&Event)) {
        while let Some(message) = inbox.wait(Some(Instant::now())) {
            self.hear(message, tell);
        }
        if self.stale {
            self.listen(tell);
        }
    }

    fn hear(&mut self, message: Message, tell: &mut dyn FnMut(&Event)) {
        match message {
            Message::Touched { at, paths, folders } => {
                for path in &paths {
                    let known = self.concerned(path, at);
                    self.stale |= folders && (self.ears.forget(path) || (known && path.is_dir()));
                }
            }
            Message::Rescan => {
                let now = Instant::now();
                self.posts.iter_mut().for_each(|post| post.noted(now));
                self.roster_pace.noted(now);
            }
            Message::Deaf(why) => self.go_deaf(&why, tell),
            // Whether it is to stop is looked at by whoever waits.
            Message::Stop => {}
        }
    }

    /// Notes for whom a path matters. Whether it does for anybody.
    fn concerned(&mut self, path: &Path, at: Instant) -> bool {
        let mut any = false;
        for post in &mut self.posts {
            if post.watched.concerns(path) {
                post.noted(at);
                any = true;
            }
        }
        if self.roster.as_ref().is_some_and(|roster| roster.concerns(path)) {
            self.roster_pace.noted(at);
            any = true;
        }
        any
    }

    fn look_from_time_to_time(&mut self) {
        let now = Instant::now();
        if self.next_poll > now {
            return;
        }
        self.next_poll = after(now, self.poll);
        self.posts.iter_mut().for_each(|post| post.glance(now));
        self.roster_pace.noted(now);
    }

    /// Listens to the folders of all files that are watched now.
    fn listen(&mut self, tell: &mut dyn FnMut(&Event)) {
        self.stale = false;
        let watched = self.posts.iter().map(|post| &post.watched).chain(&self.roster);
        let folders: BTreeSet<PathBuf> = watched.flat_map(Watched::folders).collect();
        if let Err(why) = self.ears.listen(&folders) {
            self.go_deaf(&why, tell);
        }
        if !self.polls
            && let Some(silent) = silent(&folders)
        {
            let message = format!(
                "`{}` is on a file system that doesn't tell what others write to it: it is looked at every {} s",
                silent.display(),
                POLL.as_secs()
            );
            tell(&Event::Note { message });
            self.poll_from_now_on();
        }
        if self.polls {
            let poll = self.poll;
            self.posts.iter_mut().for_each(|post| post.be_patient(poll));
        }
    }

    fn go_deaf(&mut self, why: &str, tell: &mut dyn FnMut(&Event)) {
        if self.polls {
            return;
        }
        let message = format!("{why}: files are looked at every {} s instead", POLL.as_secs());
        tell(&Event::Note { message });
        self.poll_from_now_on();
    }

    fn poll_from_now_on(&mut self) {
        self.polls = true;
        self.poll = POLL;
        self.next_poll = after(Instant::now(), POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cause, Outcome, Reading, inbox};
    use super::*;
    use crate::spec::{TimeSpan, WatchSpec};
    use std::fs;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::JoinHandle;

    /// What is done during a run, given the project's root.
    type During = fn(&Path, &AtomicBool) -> bool;

    struct Script {
        name: String,
        root: PathBuf,
        during: During,
        stop: Arc<AtomicBool>,
    }

    impl Job for Script {
        fn name(&self) -> &str {
            &self.name
        }

        fn begins(&self) -> Watched {
            Watched::new(&self.root).rules([format!("pipelines/{}.yaml", self.name)])
        }

        fn read(&mut self) -> Reading {
            let spec = WatchSpec { debounce: TimeSpan(Duration::from_millis(50)), ..WatchSpec::default() };
            let watched = self.begins().data(["data/**/*.csv"]);
            Reading { watched: Some(watched), spec: Some(spec), broken: None }
        }

        fn is_ready(&self) -> bool {
            true
        }

        fn run(&mut self, _: &Cause) -> Outcome {
            let interrupted = (self.during)(&self.root, &self.stop);
            Outcome { interrupted, ..Outcome::default() }
        }
    }

    /// A watch on a thread of its own.
    struct Case {
        dir: tempfile::TempDir,
        told: Receiver<String>,
        stop: Arc<AtomicBool>,
        stopper: super::super::Stopper,
        thread: JoinHandle<End>,
    }

    fn word(event: &Event) -> Option<String> {
        Some(match event {
            Event::RunStarted { pipeline, cause } => format!("{pipeline}: {cause}"),
            Event::RunEnded { .. } => "ended".to_owned(),
            Event::Watching { .. } | Event::Stopped => event.name().to_owned(),
            _ => return None,
        })
    }

    impl Case {
        fn start(poll: Option<Duration>, during: During) -> Self {
            let dir = tempfile::tempdir().expect("folder");
            let root = dir.path().canonicalize().expect("a path");
            fs::create_dir_all(root.join("pipelines")).expect("made");
            fs::write(root.join("pipelines/p.yaml"), "x").expect("written");
            let (inbox, stopper) = inbox();
            let (sender, told): (Sender<String>, _) = channel();
            let stop = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&stop);
            let settings = Settings { root: root.clone(), poll, clock: Clock::default() };
            let thread = std::thread::spawn(move || {
                let script =
                    |name: &str| Script { name: name.to_owned(), root: root.clone(), during, stop: Arc::clone(&flag) };
                let mut more = |known: &[String]| {
                    let new = root.join("pipelines/q.yaml").exists() && !known.contains(&"q".to_owned());
                    if new { vec![script("q")] } else { Vec::new() }
                };
                let mut tell = |event: &Event| {
                    // A test that failed listens no more.
                    word(event).into_iter().for_each(|word| drop(sender.send(word)));
                };
                watch(&settings, vec![script("p")], Some(&mut more), &inbox, &flag, &mut tell)
            });
            Self { dir, told, stop, stopper, thread }
        }

        fn next(&self) -> String {
            self.told.recv_timeout(Duration::from_secs(30)).expect("told in time")
        }

        /// The next run, after it has ended.
        fn run(&self) -> String {
            let run = self.next();
            assert_eq!(self.next(), "ended");
            run
        }

        fn is_still(&self) -> bool {
            self.told.recv_timeout(Duration::from_millis(400)).is_err()
        }

        fn file(&self, path: &str, text: &str) {
            let path = self.dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }

        fn end(self) -> End {
            self.stop.store(true, Ordering::Relaxed);
            self.stopper.wake();
            self.thread.join().expect("no panic")
        }
    }

    fn nothing(_: &Path, _: &AtomicBool) -> bool {
        false
    }

    #[test]
    fn folders_come_and_go_and_new_pipelines_are_taken_up() {
        let case = Case::start(None, nothing);
        assert_eq!((case.next(), case.run()), ("watching".to_owned(), "p: the watch begins".to_owned()));
        case.file("data/2024/a.csv", "1");
        assert_eq!(case.run(), "p: data/2024/a.csv new");
        fs::rename(case.dir.path().join("data"), case.dir.path().join("old")).expect("renamed");
        assert_eq!(case.run(), "p: data/2024/a.csv gone");
        case.file("data/2024/a.csv", "2");
        assert_eq!(case.run(), "p: data/2024/a.csv new");
        case.file("data/2024/a.csv", "3");
        assert_eq!(case.run(), "p: data/2024/a.csv changed");
        assert!(case.is_still());
        case.file("pipelines/q.yaml", "x");
        assert_eq!(case.run(), "q: the watch begins");
        assert_eq!(case.end(), End::Idle);
    }

    #[test]
    fn a_change_during_a_run_starts_one_more() {
        fn during(root: &Path, _: &AtomicBool) -> bool {
            let file = root.join("data/a.csv");
            if fs::read_to_string(&file).is_ok_and(|text| text == "first") {
                fs::write(file, "later").expect("written");
            }
            false
        }
        let case = Case::start(None, during);
        assert_eq!((case.next(), case.run()), ("watching".to_owned(), "p: the watch begins".to_owned()));
        case.file("data/a.csv", "first");
        assert_eq!(case.run(), "p: data/a.csv new");
        assert_eq!(case.run(), "p: data/a.csv changed");
        assert!(case.is_still());
        assert_eq!(case.end(), End::Idle);
    }

    #[test]
    fn looking_from_time_to_time_is_enough() {
        let case = Case::start(Some(Duration::from_millis(50)), nothing);
        assert_eq!((case.next(), case.run()), ("watching".to_owned(), "p: the watch begins".to_owned()));
        case.file("data/a.csv", "1");
        assert_eq!(case.run(), "p: data/a.csv new");
        case.file("pipelines/q.yaml", "x");
        assert_eq!(case.run(), "q: the watch begins");
        assert_eq!(case.end(), End::Idle);
    }

    #[test]
    fn a_run_that_is_interrupted_ends_the_watch() {
        fn during(_: &Path, stop: &AtomicBool) -> bool {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            true
        }
        let case = Case::start(None, during);
        assert_eq!((case.next(), case.next()), ("watching".to_owned(), "p: the watch begins".to_owned()));
        assert_eq!(case.end(), End::Interrupted);
    }
}
