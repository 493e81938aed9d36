//! Showing: tables, runs, judgements and graphs, for people.

mod alias;
pub mod ci;
mod curves;
pub mod dag;
mod judgement;
mod past;
mod plot;
mod profile;
mod progress;
mod ran;
pub mod reference;
mod run;
pub mod table;
mod time;
mod trials;

pub use alias::alias_story;
pub use curves::curves;
pub use judgement::{classes, importance, judgement, permuted, slices};
pub use past::{StepPast, log_json, log_table, run_text, status_word, step_past};
pub use profile::profile;
pub use progress::Progress;
pub use ran::{Ran, RanDeploy, RanError, RanGate, RanStep};
pub use run::{run_json, run_told, summary};
pub use time::{local, seconds};
pub use trials::{trials, trials_json};

/// A size in words: `17 B`, `1.2 MiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}
