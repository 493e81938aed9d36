//! One pipeline that is watched: when to look, and whether what is seen starts a run.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json};

use super::ears::after;
use super::look::Look;
use super::pace::Pace;
use super::{Cause, Changes, Event, Watched};
use crate::spec::WatchSpec;

/// What is run when files change.
pub trait Job {
    /// Its name.
    fn name(&self) -> &str;
    /// The files that say what it is, before anything was read.
    fn begins(&self) -> Watched;
    /// Reads it again.
    fn read(&mut self) -> Reading;
    /// Whether there is something to run: what was read last, or what was right before that.
    fn is_ready(&self) -> bool;
    /// Runs it.
    fn run(&mut self, cause: &Cause) -> Outcome;
}

/// What reading gave.
#[derive(Default)]
pub struct Reading {
    /// The files that it depends on; none if that can't be told, and then the last ones stay.
    pub watched: Option<Watched>,
    /// What starts a run besides them; none if that can't be told.
    pub spec: Option<WatchSpec>,
    /// What is wrong with it, with carets, and for machines.
    pub broken: Option<(String, Json)>,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Whether it was told to stop.
    pub interrupted: bool,
    /// What came of it, in a line.
    pub summary: String,
    /// What came of it, for machines.
    pub result: Map<String, Json>,
}

/// A moment, by the clock that never jumps and by the one on the wall.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub now: Instant,
    pub wall: Timestamp,
}

/// How far back the wall clock may be put before the schedule is worked out anew.
const JUMP: SignedDuration = SignedDuration::from_secs(60);

pub(super) struct Post<J> {
    pub job: J,
    pub watched: Watched,
    spec: WatchSpec,
    /// What the files were when the last run began.
    base: Look,
    /// What they were at the last look from time to time.
    glanced: Look,
    pace: Pace,
    /// The least quiet time, where looking from time to time is all there is.
    patience: Duration,
    first: bool,
    scheduled: Option<Timestamp>,
    seen: Timestamp,
    /// When the last run began that data started.
    last: Option<Instant>,
    /// Until when changed data has to wait, and what was told of it.
    held: Option<(Instant, Changes)>,
    told: Option<String>,
}

type Tell<'a> = &'a mut dyn FnMut(&Event);

impl<J: Job> Post<J> {
    pub fn new(job: J, wall: Timestamp, tell: Tell<'_>) -> Self {
        let watched = job.begins();
        let look = Look::at(&watched);
        let mut post = Self {
            job,
            watched,
            spec: WatchSpec::default(),
            base: Look::default(),
            glanced: Look::default(),
            pace: Pace::default(),
            patience: Duration::ZERO,
            first: true,
            scheduled: None,
            seen: wall,
            last: None,
            held: None,
            told: None,
        };
        post.read(wall, tell);
        // What is wrong from the beginning is run when it is mended.
        post.first = post.job.is_ready();
        post.base = look.extended(&post.watched);
        post.glanced = post.base.clone();
        post
    }

    /// How many files.
    pub fn files(&self) -> usize {
        self.base.len()
    }

    /// From now on it is only looked from time to time: what changes is quiet when two looks agree.
    pub fn be_patient(&mut self, poll: Duration) {
        self.patience = poll;
    }

    /// Something happened to its files.
    pub fn noted(&mut self, at: Instant) {
        self.pace.noted(at);
    }

    /// Looks whether anything happened that wasn't heard.
    pub fn glance(&mut self, now: Instant) {
        let look = Look::at(&self.watched);
        if !look.is_like(&self.glanced) {
            self.noted(now);
        }
        self.glanced = look;
    }

    /// When there is something to do.
    pub fn due(&self, at: Moment) -> Option<Instant> {
        if self.first {
            return Some(at.now);
        }
        let scheduled = self.scheduled.map(|next| {
            let wait = Duration::try_from(next.duration_since(at.wall)).unwrap_or_default();
            after(at.now, wait)
        });
        let held = self.held.as_ref().map(|(until, _)| *until);
        [self.pace.due(self.quiet()), held, scheduled].into_iter().flatten().min()
    }

    /// Does one thing that can be done at any time. Whether there was one.
    pub fn idle(&mut self) -> bool {
        self.base.read_one()
    }

    /// Does what is due: looks, and runs if there is a reason. What came of the run, if there was one.
    pub fn turn(&mut self, at: Moment, tell: Tell<'_>) -> Option<Outcome> {
        let scheduled = self.tick(at.wall);
        let quiet = self.pace.take(self.quiet(), at.now);
        let freed = self.held.as_ref().is_some_and(|(until, _)| *until <= at.now);
        if !(self.first || quiet || freed || scheduled.is_some()) {
            return None;
        }
        let first = std::mem::take(&mut self.first);
        let mut look = Look::at(&self.watched);
        let changes = self.base.changes(&mut look, &self.watched);
        if changes.is_empty() && !first && scheduled.is_none() {
            (self.base, self.held) = (look, None);
            return None;
        }
        // The look comes first: what is written while the file is read is seen by the next one.
        let before = self.watched.clone();
        let broken = self.read(at.wall, tell);
        let look = if self.watched == before { look } else { look.extended(&self.watched) };
        let reason = first || scheduled.is_some() || changes.data || !broken;
        if !reason || !self.job.is_ready() {
            self.base = look;
            return None;
        }
        let asked = first || scheduled.is_some() || changes.rules;
        if !asked && self.must_wait(at.now, &changes, tell) {
            return None;
        }
        self.held = None;
        self.base = look;
        self.base.read_ahead();
        if changes.data && !first {
            self.last = Some(at.now);
        }
        Some(self.run(first, scheduled, changes, tell))
    }

    fn run(&mut self, first: bool, scheduled: Option<Timestamp>, changes: Changes, tell: Tell<'_>) -> Outcome {
        let pipeline = self.job.name().to_owned();
        if !changes.is_empty() {
            tell(&Event::Changed { pipeline: pipeline.clone(), changes: changes.clone(), waits: None });
        }
        let zone = self.spec.schedule.as_ref().map(|schedule| schedule.zone().clone());
        let cause = match scheduled.zip(zone) {
            _ if first => Cause::Start,
            Some((at, zone)) => Cause::Schedule(at.to_zoned(zone)),
            None => Cause::Files(changes),
        };
        tell(&Event::RunStarted { pipeline: pipeline.clone(), cause: cause.clone() });
        let outcome = self.job.run(&cause);
        let Outcome { summary, result, .. } = outcome.clone();
        tell(&Event::RunEnded { pipeline, summary, result });
        // What changed meanwhile starts one more, heard or not.
        self.noted(Instant::now());
        outcome
    }

    /// Whether the last run that data started is too young for another one.
    fn must_wait(&mut self, now: Instant, changes: &Changes, tell: Tell<'_>) -> bool {
        let Some((cooldown, last)) = self.spec.cooldown.zip(self.last) else { return false };
        let until = after(last, cooldown.0);
        if until <= now {
            return false;
        }
        if self.held.as_ref().is_none_or(|(_, told)| told != changes) {
            let (pipeline, waits) = (self.job.name().to_owned(), Some(until - now));
            tell(&Event::Changed { pipeline, changes: changes.clone(), waits });
        }
        self.held = Some((until, changes.clone()));
        true
    }

    /// Reads the pipeline again. Whether it is wrong; that is told once.
    fn read(&mut self, wall: Timestamp, tell: Tell<'_>) -> bool {
        let reading = self.job.read();
        if let Some(watched) = reading.watched {
            self.watched = watched;
        }
        if let Some(spec) = reading.spec {
            if spec.schedule != self.spec.schedule {
                self.scheduled = spec.schedule.as_ref().and_then(|schedule| schedule.next(wall));
            }
            self.spec = spec;
        }
        let Some((text, diagnostics)) = reading.broken else {
            self.told = None;
            return false;
        };
        if self.told.as_ref() != Some(&text) {
            self.told = Some(text.clone());
            let (pipeline, stays) = (self.job.name().to_owned(), self.job.is_ready());
            tell(&Event::Broken { pipeline, text, diagnostics, stays });
        }
        true
    }

    /// The time that was scheduled, if it has come. However many have passed meanwhile, they count as one.
    fn tick(&mut self, wall: Timestamp) -> Option<Timestamp> {
        let schedule = self.spec.schedule.as_ref()?;
        let put_back = self.seen.duration_since(wall) > JUMP;
        self.seen = wall;
        if put_back {
            self.scheduled = schedule.next(wall);
        }
        let due = self.scheduled.filter(|next| *next <= wall);
        if due.is_some() {
            self.scheduled = schedule.next(wall);
        }
        due
    }

    fn quiet(&self) -> Duration {
        self.spec.debounce.0.max(self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Schedule, TimeSpan};
    use jiff::tz::TimeZone;
    use std::path::{Path, PathBuf};

    /// A pipeline whose file is `p.yaml` and whose data is `*.csv`; it is wrong if the file says so.
    struct Script {
        root: PathBuf,
        spec: WatchSpec,
        ready: bool,
    }

    impl Job for Script {
        fn name(&self) -> &str {
            "p"
        }

        fn begins(&self) -> Watched {
            Watched::new(&self.root).rules(["p.yaml"])
        }

        fn read(&mut self) -> Reading {
            let text = std::fs::read_to_string(self.root.join("p.yaml")).unwrap_or_default();
            if text.contains("wrong") {
                return Reading { broken: Some((text, Json::Null)), ..Reading::default() };
            }
            self.ready = true;
            Reading { watched: Some(self.begins().data(["*.csv"])), spec: Some(self.spec.clone()), broken: None }
        }

        fn is_ready(&self) -> bool {
            self.ready
        }

        fn run(&mut self, _: &Cause) -> Outcome {
            Outcome::default()
        }
    }

    /// A post in a folder of its own, at a time of its own.
    struct Case {
        dir: tempfile::TempDir,
        post: Post<Script>,
        at: Moment,
        told: Vec<String>,
    }

    fn word(event: &Event) -> String {
        match event {
            Event::RunStarted { cause, .. } => format!("run: {cause}"),
            Event::Changed { changes, waits: Some(wait), .. } => format!("waits {}: {changes}", wait.as_secs()),
            Event::Broken { text, stays, .. } => format!("broken: {text}, stays: {stays}"),
            _ => String::new(),
        }
    }

    impl Case {
        fn new(spec: WatchSpec, pipeline: &str) -> Self {
            let dir = tempfile::tempdir().expect("folder");
            std::fs::write(dir.path().join("p.yaml"), pipeline).expect("written");
            let at = Moment { now: Instant::now(), wall: "2025-06-05T05:59:00Z".parse().expect("a time") };
            let mut told = Vec::new();
            let root = dir.path().canonicalize().expect("a path");
            let job = Script { root, spec, ready: false };
            let post = Post::new(job, at.wall, &mut |event| told.push(word(event)));
            Self { dir, post, at, told }
        }

        fn file(&mut self, name: &str, text: &str) {
            let path: &Path = self.dir.path();
            std::fs::write(path.join(name), text).expect("written");
            self.post.noted(self.at.now);
        }

        /// Lets time pass, and gives what was told meanwhile.
        fn pass(&mut self, seconds: u64) -> Vec<String> {
            self.at.now += Duration::from_secs(seconds);
            self.at.wall += SignedDuration::from_secs(i64::try_from(seconds).expect("small"));
            let Self { post, told, at, .. } = self;
            post.turn(*at, &mut |event| told.push(word(event)));
            std::mem::take(told).into_iter().filter(|text| !text.is_empty()).collect()
        }
    }

    #[test]
    fn it_runs_at_the_beginning_and_when_files_change() {
        let mut case = Case::new(WatchSpec::default(), "right");
        assert_eq!(case.pass(0), ["run: the watch begins"]);
        assert_eq!(case.pass(5), [""; 0], "nothing happened");
        case.file("a.csv", "1");
        assert_eq!(case.pass(0), [""; 0], "it isn't quiet yet");
        assert_eq!(case.pass(1), ["run: a.csv new"]);
        case.file("a.csv", "1");
        assert_eq!(case.pass(1), [""; 0], "the same bytes");
        case.file("p.yaml", "other");
        case.file("a.csv", "2");
        assert_eq!(case.pass(1), ["run: a.csv changed, p.yaml changed"]);
    }

    #[test]
    fn the_last_good_one_stays_in_force_while_the_file_is_wrong() {
        let mut case = Case::new(WatchSpec::default(), "right");
        case.pass(0);
        case.file("p.yaml", "wrong");
        assert_eq!(case.pass(1), ["broken: wrong, stays: true"]);
        case.post.noted(case.at.now);
        assert_eq!(case.pass(1), [""; 0], "it is said once");
        case.file("a.csv", "1");
        assert_eq!(case.pass(1), ["run: a.csv new"]);
        case.file("p.yaml", "wrong too");
        assert_eq!(case.pass(1), ["broken: wrong too, stays: true"]);
        case.file("p.yaml", "right");
        assert_eq!(case.pass(1), ["run: p.yaml changed"]);
    }

    #[test]
    fn what_is_wrong_from_the_beginning_is_run_when_it_is_mended() {
        let mut case = Case::new(WatchSpec::default(), "wrong");
        assert_eq!(case.pass(0), ["broken: wrong, stays: false"]);
        case.file("a.csv", "1");
        assert_eq!(case.pass(1), [""; 0]);
        case.file("p.yaml", "right");
        assert_eq!(case.pass(1), ["run: p.yaml changed"]);
        case.file("a.csv", "2");
        assert_eq!(case.pass(1), ["run: a.csv changed"]);
    }

    #[test]
    fn a_cooldown_holds_data_back_and_nothing_else() {
        let spec = WatchSpec { cooldown: Some(TimeSpan(Duration::from_secs(600))), ..WatchSpec::default() };
        let mut case = Case::new(spec, "right");
        case.pass(0);
        case.file("a.csv", "1");
        assert_eq!(case.pass(1), ["run: a.csv new"]);
        case.file("a.csv", "2");
        assert_eq!(case.pass(100), ["waits 500: a.csv changed"]);
        case.post.noted(case.at.now);
        assert_eq!(case.pass(1), [""; 0], "it is said once");
        assert_eq!(case.post.due(case.at), Some(case.at.now + Duration::from_secs(499)));
        case.file("b.csv", "1");
        assert_eq!(case.pass(1), ["waits 498: a.csv changed, b.csv new"]);
        assert_eq!(case.pass(498), ["run: a.csv changed, b.csv new"], "one run for all");
        case.file("a.csv", "3");
        case.file("p.yaml", "other");
        assert_eq!(case.pass(1), ["run: a.csv changed, p.yaml changed"], "somebody waits for it");
    }

    #[test]
    fn a_schedule_runs_although_nothing_changed() {
        let schedule = Schedule::new("0 6 * * *", TimeZone::UTC).expect("right");
        let spec = WatchSpec { schedule: Some(schedule), ..WatchSpec::default() };
        let mut case = Case::new(spec, "right");
        case.pass(0);
        assert_eq!(case.pass(59), [""; 0]);
        assert_eq!(case.post.due(case.at), Some(case.at.now + Duration::from_secs(1)));
        assert_eq!(case.pass(1), ["run: the schedule: 2025-06-05 06:00 UTC"]);
        assert_eq!(case.pass(1), [""; 0]);
        assert_eq!(
            case.pass(3 * 86_400),
            ["run: the schedule: 2025-06-06 06:00 UTC"],
            "what was slept through counts once"
        );
        assert_eq!(case.pass(1), [""; 0]);
        case.at.wall -= SignedDuration::from_hours(24);
        case.pass(0);
        let due = case.post.due(case.at).expect("scheduled") - case.at.now;
        assert!(due <= Duration::from_secs(86_400), "a clock that is put back doesn't put it off: {due:?}");
    }

    #[test]
    fn glances_find_what_was_not_heard() {
        let mut case = Case::new(WatchSpec::default(), "right");
        case.pass(0);
        std::fs::write(case.dir.path().join("a.csv"), "1").expect("written");
        assert_eq!(case.pass(1), ["run: a.csv new"], "after each run it is looked again");
        case.pass(1);
        std::fs::write(case.dir.path().join("b.csv"), "1").expect("written");
        assert_eq!((case.pass(1), case.post.due(case.at)), (vec![], None));
        case.post.glance(case.at.now);
        assert_eq!(case.pass(1), ["run: b.csv new"]);
    }
}
