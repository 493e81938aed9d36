//! What is known of a run at a moment: what runs, how far it is, how long it may take.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::engine::Outcome;

/// How long a step may be silent where there is no terminal.
const SILENT: Duration = Duration::from_secs(30);
/// What is told of the time left before this is a guess.
const GUESS: Duration = Duration::from_secs(1);

/// The steps of a run.
pub(super) struct Board {
    /// How many steps the run has.
    pub(super) total: usize,
    /// How many have ended.
    pub(super) over: usize,
    /// How many of them were kept.
    pub(super) kept: usize,
    /// What runs now, by name.
    pub(super) running: BTreeMap<String, Running>,
}

/// A step that runs.
pub(super) struct Running {
    pub(super) since: Instant,
    /// How much is done, of how much, and what is counted.
    pub(super) counted: Option<Counted>,
    /// The best that a search has found.
    best: Option<String>,
    /// When something was last said of it.
    told: Instant,
}

pub(super) struct Counted {
    pub(super) done: usize,
    pub(super) total: usize,
    unit: &'static str,
    since: Instant,
}

impl Board {
    pub(super) fn new(total: usize) -> Self {
        Self { total, over: 0, kept: 0, running: BTreeMap::new() }
    }

    pub(super) fn started(&mut self, step: &str, now: Instant) {
        self.running.insert(step.to_owned(), Running { since: now, counted: None, best: None, told: now });
    }

    pub(super) fn progress(&mut self, step: &str, done: usize, total: usize, unit: &'static str, now: Instant) {
        let Some(running) = self.running.get_mut(step) else { return };
        match &mut running.counted {
            // Threads tell their parts in any order.
            Some(counted) if counted.unit == unit && counted.total == total => counted.done = counted.done.max(done),
            // What was counted before took its own time.
            Some(counted) => *counted = Counted { done, total, unit, since: now },
            counted => *counted = Some(Counted { done, total, unit, since: running.since }),
        }
    }

    pub(super) fn better(&mut self, step: &str, what: &str) {
        if let Some(running) = self.running.get_mut(step) {
            running.best = Some(what.to_owned());
        }
    }

    pub(super) fn ended(&mut self, step: &str, outcome: Outcome) {
        self.running.remove(step);
        self.over += 1;
        self.kept += usize::from(outcome == Outcome::Cached);
    }

    /// Lines for steps of which nothing was said for long.
    pub(super) fn silent(&mut self, now: Instant) -> Vec<String> {
        let mut lines = Vec::new();
        for (step, running) in &mut self.running {
            if now.duration_since(running.told) >= SILENT {
                running.told = now;
                lines.push(format!("still running: {step}, {}", running.words(now)));
            }
        }
        lines
    }

    /// "7/12 steps".
    pub(super) fn words(&self) -> String {
        format!("{}/{} steps", self.over, self.total.max(self.over))
    }
}

impl Running {
    /// "12/30 trials, best f1 0.9312, 1 m 3 s, about 4 m 43 s left".
    pub(super) fn words(&self, now: Instant) -> String {
        let mut told = Vec::new();
        if let Some(counted) = &self.counted {
            told.push(format!("{}/{} {}", counted.done, counted.total, counted.unit));
        }
        told.extend(self.best.as_ref().map(|best| format!("best {best}")));
        told.push(whole(now.duration_since(self.since)));
        if let Some(left) = self.counted.as_ref().and_then(|counted| counted.left(now)) {
            told.push(format!("about {} left", whole(left)));
        }
        told.join(", ")
    }
}

impl Counted {
    /// How long the rest takes if it goes on as it did.
    fn left(&self, now: Instant) -> Option<Duration> {
        let took = now.duration_since(self.since);
        let worth = self.done > 0 && self.done < self.total && took >= GUESS;
        worth.then(|| took.mul_f64((self.total - self.done) as f64 / self.done as f64))
    }
}

/// A time in whole seconds.
fn whole(time: Duration) -> String {
    let seconds = time.as_secs_f64().round();
    if seconds < 60.0 { format!("{seconds} s") } else { crate::report::seconds(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_step_is_told_every_half_minute_with_what_it_has_done() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut board = Board::new(3);
        board.started("forest", start);
        board.started("line", after(20));
        assert!(board.silent(after(29)).is_empty());
        board.progress("forest", 2, 5, "folds", after(5));
        board.progress("forest", 1, 200, "trees", after(10));
        board.progress("forest", 35, 200, "trees", after(29));
        board.progress("forest", 34, 200, "trees", after(29));
        board.better("line", "f1 0.9312");
        assert_eq!(board.silent(after(30)), ["still running: forest, 35/200 trees, 30 s, about 1 m 34 s left"]);
        assert!(board.silent(after(31)).is_empty());
        assert_eq!(board.silent(after(63)).len(), 2);
        board.ended("forest", Outcome::Ran);
        board.ended("tidy", Outcome::Cached);
        assert_eq!(board.silent(after(100)), ["still running: line, best f1 0.9312, 1 m 20 s"]);
        assert_eq!((board.words().as_str(), board.kept), ("2/3 steps", 1));
    }

    #[test]
    fn nothing_is_guessed_from_nothing() {
        let start = Instant::now();
        let mut board = Board::new(1);
        board.started("a", start);
        board.progress("a", 0, 10, "trees", start);
        assert_eq!(board.running["a"].words(start + Duration::from_secs(5)), "0/10 trees, 5 s");
        board.progress("nobody", 1, 1, "trees", start);
        assert_eq!(board.running.len(), 1);
    }
}
