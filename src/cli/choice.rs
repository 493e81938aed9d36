//! Which steps of a pipeline a command is about.

use std::collections::BTreeSet;

use clap::Args;

use super::open::Opened;
use crate::source::{Fault, suggest};

/// Steps, chosen on the command line.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Choice {
    /// This step and all that come after it; what they need is made where it isn't kept.
    #[arg(long, value_name = "STEP")]
    from: Vec<String>,
    /// This step and what it needs.
    #[arg(long, value_name = "STEP")]
    to: Vec<String>,
    /// This step alone: what it needs must be up to date.
    #[arg(long, value_name = "STEP", conflicts_with_all = ["from", "to"])]
    only: Vec<String>,
    /// Steps with this tag, with what they need.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
}

/// The steps that a run is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// These, and what they need.
    pub(super) places: Vec<usize>,
    /// Those that were chosen; without it, all.
    pub(super) chosen: Option<BTreeSet<usize>>,
    /// Whether others must be kept already.
    pub(super) only: bool,
}

impl Choice {
    /// The steps of a pipeline, or of what `step` needs, that are chosen.
    pub(super) fn of(&self, opened: &Opened, step: Option<&str>) -> Result<Asked, Fault> {
        let mut chosen: Option<BTreeSet<usize>> = None;
        let mut narrow = |steps: BTreeSet<usize>| {
            chosen = Some(match chosen.take() {
                Some(before) => before.intersection(&steps).copied().collect(),
                None => steps,
            });
        };
        if let Some(step) = step {
            narrow(opened.with_needs(opened.named(step)?));
        }
        if !self.to.is_empty() {
            narrow(opened.with_needs(self.steps(opened, &self.to)?));
        }
        if !self.from.is_empty() {
            narrow(opened.with_users(self.steps(opened, &self.from)?));
        }
        if !self.only.is_empty() {
            narrow(self.steps(opened, &self.only)?.into_iter().collect());
        }
        if !self.tag.is_empty() {
            narrow(self.tagged(opened)?);
        }
        let Some(chosen) = chosen else {
            return Ok(Asked { places: (0..opened.plan.steps.len()).collect(), ..Asked::default() });
        };
        if chosen.is_empty() {
            return Err(Fault::new("no-step", format!("no step of `{}` is all of that", opened.plan.name))
                .help("`gristmill dag` draws what comes after what"));
        }
        let places = opened.with_needs(chosen.iter().copied().collect()).into_iter().collect();
        Ok(Asked { places, chosen: Some(chosen), only: !self.only.is_empty() })
    }

    fn steps(&self, opened: &Opened, names: &[String]) -> Result<Vec<usize>, Fault> {
        let mut steps = Vec::new();
        for name in names {
            steps.extend(opened.named(name)?);
        }
        Ok(steps)
    }

    fn tagged(&self, opened: &Opened) -> Result<BTreeSet<usize>, Fault> {
        let steps = &opened.plan.steps;
        let mut found = BTreeSet::new();
        for tag in &self.tag {
            let with: Vec<usize> = (0..steps.len()).filter(|place| steps[*place].tags.contains(tag)).collect();
            if with.is_empty() {
                let known = steps.iter().flat_map(|step| step.tags.iter().map(String::as_str));
                let fault = Fault::new("unknown-tag", format!("no step of `{}` has the tag `{tag}`", opened.plan.name));
                return Err(fault.maybe_help(suggest(tag, known)));
            }
            found.extend(with);
        }
        Ok(found)
    }
}

impl Opened {
    /// The place of a step; of a matrix, those of all its steps.
    pub(super) fn named(&self, name: &str) -> Result<Vec<usize>, Fault> {
        if self.plan.step(name).is_none() {
            let prefix = format!("{name}@");
            let steps = self.plan.steps.iter().enumerate();
            let made: Vec<usize> =
                steps.filter(|(_, step)| step.name.starts_with(&prefix)).map(|(place, _)| place).collect();
            if !made.is_empty() {
                return Ok(made);
            }
        }
        Ok(vec![self.place(name)?])
    }

    /// Steps and all that they need.
    pub(super) fn with_needs(&self, steps: Vec<usize>) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = steps.iter().copied().collect();
        let mut next = steps;
        while let Some(step) = next.pop() {
            next.extend(self.plan.needs(step).into_iter().filter(|need| found.insert(*need)));
        }
        found
    }

    /// Steps and all that come after them.
    fn with_users(&self, steps: Vec<usize>) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = steps.into_iter().collect();
        // Each step comes after those that it needs.
        for place in 0..self.plan.steps.len() {
            if self.plan.needs(place).iter().any(|need| found.contains(need)) {
                found.insert(place);
            }
        }
        found
    }
}
