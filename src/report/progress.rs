//! A run while it goes: a line a step on stderr, and what runs just now; on a terminal as bars, elsewhere as a line now and then.

mod bars;
mod board;

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bars::Bars;
use board::Board;

use crate::engine::{Event, Outcome, StepEnd};
use crate::plan::Plan;
use crate::source::{Diagnostic, Fault};

/// Plans of more steps than this don't list what is kept: people read what ran.
const LISTED: usize = 50;
/// How often a terminal is drawn.
const DRAWN: Duration = Duration::from_millis(100);
/// How often it is looked for steps that run for long, where there is no terminal.
const LOOKED: Duration = Duration::from_secs(1);

/// Tells a run's events on stderr.
pub struct Progress {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    stop: Condvar,
}

struct State {
    board: Board,
    bars: Option<Bars>,
    width: usize,
    color: bool,
    quiet: bool,
    list_kept: bool,
    over: bool,
}

impl Progress {
    /// For a plan's steps. `quiet` tells nothing.
    pub fn new(plan: &Plan, color: bool, quiet: bool) -> Self {
        let width = plan.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or_default();
        let steps = plan.steps.len();
        let state = State {
            board: Board::new(steps),
            bars: if quiet { None } else { Bars::on_terminal() },
            width,
            color,
            quiet,
            list_kept: steps <= LISTED,
            over: false,
        };
        let every = if state.bars.is_some() { DRAWN } else { LOOKED };
        let shared = Arc::new(Shared { state: Mutex::new(state), stop: Condvar::new() });
        let ticker = (!quiet).then(|| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.tick(every))
        });
        Self { shared, ticker }
    }

    /// How many steps the run has, where it isn't all of the plan.
    #[must_use]
    pub fn of(self, steps: usize) -> Self {
        let mut state = self.shared.state();
        state.board.total = steps;
        state.list_kept |= steps <= LISTED;
        drop(state);
        self
    }

    /// Lists also what is kept, however much there is of it.
    #[must_use]
    pub fn verbose(self, verbose: bool) -> Self {
        self.shared.state().list_kept |= verbose;
        self
    }

    /// Tells an event. `place` gives a fault its place in the pipeline's file.
    pub fn tell(&mut self, event: &Event, place: &dyn Fn(&Fault) -> Diagnostic) {
        self.shared.state().tell(event, place);
    }

    /// Takes the bars away, and tells how many steps were kept where they weren't listed.
    pub fn finish(&self) {
        let mut state = self.shared.state();
        if !std::mem::replace(&mut state.over, true) {
            state.end();
        }
        drop(state);
        self.shared.stop.notify_all();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
        if let Some(ticker) = self.ticker.take() {
            // A ticker that panicked has nothing more to tell.
            let _ = ticker.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panicked")
    }

    fn tick(&self, every: Duration) {
        let mut state = self.state();
        while !state.over {
            state = self.stop.wait_timeout(state, every).expect("no holder panicked").0;
            if !state.over {
                state.tick(Instant::now());
            }
        }
    }
}

impl State {
    fn tell(&mut self, event: &Event, place: &dyn Fn(&Fault) -> Diagnostic) {
        match event {
            Event::Started { step } => self.board.started(step, Instant::now()),
            Event::Progress { step, done, total, unit } => {
                self.board.progress(step, *done, *total, unit, Instant::now())
            }
            Event::Better { step, what } => self.board.better(step, what),
            Event::Said { step, line } => self.line(&format!("{step} │ {line}")),
            Event::Retrying { step, attempt, of, wait, fault } => {
                let wait = super::seconds(wait.as_secs_f64());
                self.line(&format!("{step} failed ({}); further try {attempt} of {of} in {wait}", fault.message));
            }
            Event::Warning { fault, .. } => {
                let text = place(fault).render(self.color);
                self.line(&text);
            }
            Event::Ended(end) => {
                self.board.ended(&end.step, end.outcome);
                if let Some(bars) = &mut self.bars {
                    bars.remove(&end.step);
                }
                if end.outcome != Outcome::Cached || self.list_kept {
                    let lines = self.ended(end);
                    self.line(&lines);
                }
            }
        }
    }

    /// How a step ended, and why it ran.
    fn ended(&self, end: &StepEnd) -> String {
        let gap = " ".repeat(self.width.saturating_sub(end.step.chars().count()));
        let time = if end.outcome == Outcome::Ran { super::seconds(end.seconds) } else { String::new() };
        let summary = if end.summary.is_empty() { &end.reason } else { &end.summary };
        // What failed is told in full at the end, with its place.
        let summary = summary.lines().next().unwrap_or_default().trim_end_matches(':');
        let line = format!("{} {}{gap}  {time:>7}  {summary}", self.word(end.outcome), end.step);
        let line = line.trim_end();
        if end.outcome == Outcome::Ran {
            return format!("{line}\n{:10} {:width$}           because {}", "", "", end.reason, width = self.width);
        }
        line.to_owned()
    }

    fn word(&self, outcome: Outcome) -> String {
        let (word, code) = match outcome {
            Outcome::Ran => ("ran", "32"),
            Outcome::Cached => ("cached", "2"),
            Outcome::Reconciled => ("reconciled", "36"),
            Outcome::Failed => ("failed", "31"),
            Outcome::Skipped => ("skipped", "33"),
        };
        if self.color { format!("\u{1b}[{code}m{word:10}\u{1b}[0m") } else { format!("{word:10}") }
    }

    fn tick(&mut self, now: Instant) {
        if let Some(bars) = &mut self.bars {
            bars.draw(&self.board, now);
            return;
        }
        for line in self.board.silent(now) {
            self.line(&line);
        }
    }

    fn end(&mut self) {
        if let Some(bars) = self.bars.take() {
            bars.clear();
        }
        let kept = self.board.kept;
        if !self.list_kept && kept > 0 {
            let line = format!("{} {kept} steps", self.word(Outcome::Cached));
            self.line(&line);
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            _ if self.quiet => {}
            Some(bars) => bars.print(text),
            // Whoever listened may have gone away: the run goes on.
            None => drop(std::io::stderr().lock().write_all(format!("{text}\n").as_bytes())),
        }
    }
}
