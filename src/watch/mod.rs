//! Runs that start by themselves: when files change, and when the clock says so.
//!
//! Events of the file system only say "look again". What starts a run is that files are not what they were when the last
//! run began; so a touched file starts none, a change during a run starts one more, and a lost event is made up for by the
//! next look. How a run is made is the business of a [`Job`].
//!
//! From below to above: [`Watched`] knows which files, `Look` what they are, `Ears` hears that something happened in their
//! folders, `Pace` waits until it is quiet, `Post` decides for one pipeline, and [`watch`] does so for all.

mod changes;
mod ears;
mod event;
mod look;
mod pace;
mod post;
mod remote;
mod vigil;
mod watched;

pub use changes::{Change, Changes};
pub use ears::{Inbox, Stopper, inbox};
pub use event::{Cause, Event, head};
pub use post::{Job, Outcome, Reading};
pub use vigil::{End, Settings, watch};
pub use watched::Watched;
