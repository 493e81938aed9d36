//! Showing: tables, runs, judgements and graphs, for people.

pub mod dag;
mod judgement;
pub mod reference;
mod run;
pub mod table;

pub use judgement::{confusion, importance, judgement, slices};
pub use run::{Progress, run_json, summary};

/// A time in words: `0.8 ms`, `12 ms`, `3.4 s`, `2 m 5 s`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 0.001 {
        return format!("{:.1} ms", seconds * 1e3);
    }
    if seconds < 1.0 {
        return format!("{:.0} ms", seconds * 1e3);
    }
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    format!("{} m {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
}
