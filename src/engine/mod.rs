//! Runs a plan: looks results up, makes what isn't made, keeps it. It never prints; it tells events.

mod coverage;
mod cv;
mod deploy;
mod evaluate;
mod event;
mod features;
mod judge;
mod key;
mod outcome;
mod project;
mod reason;
mod run;
mod seal;
mod sources;
mod status;
mod table;
mod test;
mod train;
mod unit;

pub use event::{Event, Outcome, StepEnd};
pub use judge::{GateResult, Judgement, ModelReport, Scores, SliceReport, Verdict};
pub use outcome::{DeployResult, PartMeta, Payload, SegmentDone, StepDone, TableMeta};
pub use project::{Project, root_of};
pub use reason::{explain, headline};
pub use run::{Effects, Env, Registration, RunResult, RunStatus, execute};
pub use sources::{SourceTables, Tables};
pub use status::{Ahead, StepStatus, Why, ahead, kept, why_ran};
pub use table::{load_part, object};
pub use test::{TestResult, run_tests};
pub use unit::{label, ran, was};
