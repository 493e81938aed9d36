//! What a train step says of its answers: `threshold`, `calibrate`, `target_transform`.

use serde::Deserialize;

use crate::learn::{Calibrate, Transform};
use crate::source::{Data, Fault, Fields, Node, decode};

/// What is done with answers, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecisionSpec {
    /// How probabilities are calibrated.
    pub calibrate: Option<Calibrate>,
    /// From which probability on a row is called positive.
    pub threshold: Option<ThresholdSpec>,
    /// The scale on which the target is learned.
    pub transform: Option<Transform>,
}

/// A threshold, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum ThresholdSpec {
    /// This one.
    At(f64),
    /// The one that is best by a metric.
    Maximize(String),
    /// The one whose mistakes cost least.
    Cost {
        /// What a positive row costs that is called negative.
        missed: f64,
        /// What a negative row costs that is called positive.
        alarm: f64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Best {
    maximize: Option<String>,
    cost: Option<Costs>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Costs {
    #[serde(rename = "fn")]
    missed: f64,
    #[serde(rename = "fp")]
    alarm: f64,
}

const FORMS: &str = "write `threshold: {maximize: f1}`, `threshold: {cost: {fn: 5, fp: 1}}` or `threshold: 0.3`";

impl DecisionSpec {
    /// Reads the keys of a train step.
    pub(super) fn read(fields: &mut Fields) -> Self {
        let threshold = fields.node("threshold").and_then(|node| {
            let found = threshold(node);
            found.map_err(|faults| faults.into_iter().for_each(|fault| fields.fault(fault.within("threshold")))).ok()
        });
        Self { calibrate: fields.take("calibrate"), threshold, transform: fields.take("target_transform") }
    }
}

fn threshold(node: &Node) -> Result<ThresholdSpec, Vec<Fault>> {
    let mut faults = Vec::new();
    if !matches!(node.data, Data::Map(_)) {
        return match decode::<f64>(node, &mut faults) {
            Some(at) if (0.0..=1.0).contains(&at) => Ok(ThresholdSpec::At(at)),
            Some(at) => {
                let message = format!("a threshold is a probability from 0 to 1, and this is {at}");
                Err(vec![Fault::new("out-of-range", message)])
            }
            None => Err(faults.into_iter().map(|fault| fault.help(FORMS)).collect()),
        };
    }
    let Some(best) = decode::<Best>(node, &mut faults) else { return Err(faults) };
    match best {
        Best { maximize: Some(metric), cost: None } => Ok(ThresholdSpec::Maximize(metric)),
        Best { maximize: None, cost: Some(Costs { missed, alarm }) } => costs(missed, alarm),
        _ => Err(vec![Fault::new("bad-threshold", "a threshold has one goal: `maximize` or `cost`").help(FORMS)]),
    }
}

fn costs(missed: f64, alarm: f64) -> Result<ThresholdSpec, Vec<Fault>> {
    let wrong = [("fn", missed), ("fp", alarm)].into_iter().filter(|(_, cost)| !(*cost >= 0.0 && cost.is_finite()));
    let mut faults: Vec<Fault> = wrong
        .map(|(key, cost)| {
            Fault::new("out-of-range", format!("a cost is at least 0, and this is {cost}")).within(key).within("cost")
        })
        .collect();
    if faults.is_empty() && missed == 0.0 && alarm == 0.0 {
        faults.push(
            Fault::new("out-of-range", "if no mistake costs anything, every threshold is as good").within("cost"),
        );
    }
    if faults.is_empty() { Ok(ThresholdSpec::Cost { missed, alarm }) } else { Err(faults) }
}
