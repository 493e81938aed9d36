//! What runs, drawn on a terminal: a bar a step, and how many steps are done.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::{Board, Running};

/// Steps that end sooner than this are never drawn.
const SOON: Duration = Duration::from_millis(150);

/// The bars of a run.
pub(super) struct Bars {
    all: MultiProgress,
    total: Option<ProgressBar>,
    steps: BTreeMap<String, ProgressBar>,
}

impl Bars {
    /// None if stderr isn't a terminal that can be drawn on.
    pub(super) fn on_terminal() -> Option<Self> {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let can = std::io::stderr().is_terminal() && !all.is_hidden();
        can.then_some(Self { all, total: None, steps: BTreeMap::new() })
    }

    /// Draws what runs.
    pub(super) fn draw(&mut self, board: &Board, now: Instant) {
        for (step, running) in &board.running {
            if now.duration_since(running.since) < SOON {
                continue;
            }
            let all = &self.all;
            let total = &mut self.total;
            let bar = self.steps.entry(step.clone()).or_insert_with(|| {
                let total = total.get_or_insert_with(|| added(all.add(ProgressBar::new_spinner()), "{msg}"));
                let bar = ProgressBar::new_spinner().with_prefix(step.clone());
                added(all.insert_before(total, bar), "{spinner} {prefix} {msg}")
            });
            shape(bar, running);
            bar.set_message(running.words(now));
        }
        if let Some(total) = &self.total {
            total.set_message(board.words());
        }
    }

    /// Takes a step's bar away.
    pub(super) fn remove(&mut self, step: &str) {
        if let Some(bar) = self.steps.remove(step) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    /// Prints a line above the bars.
    pub(super) fn print(&self, text: &str) {
        let print = || drop(std::io::stderr().lock().write_all(format!("{text}\n").as_bytes()));
        if self.total.is_none() { print() } else { self.all.suspend(print) }
    }

    /// Takes all of them away.
    pub(super) fn clear(&self) {
        // A terminal that has gone away has nothing to be cleared.
        let _ = self.all.clear();
    }
}

fn added(bar: ProgressBar, template: &str) -> ProgressBar {
    bar.set_style(ProgressStyle::with_template(template).expect("a fixed template"));
    bar
}

/// A bar for what is counted, a spinner for what isn't.
fn shape(bar: &ProgressBar, running: &Running) {
    let Some(counted) = &running.counted else { return };
    if bar.length() != Some(counted.total as u64) {
        bar.set_length(counted.total as u64);
        let style = ProgressStyle::with_template("{spinner} {prefix} {bar:24} {msg}").expect("a fixed template");
        bar.set_style(style);
    }
    bar.set_position(counted.done as u64);
}
