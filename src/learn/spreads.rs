//! A warning where features are of very different sizes, for models that take size for weight.

use super::Training;
use super::nature::Nature;
use crate::source::Fault;

/// How many times as large the widest spread may be as the narrowest.
const APART: f64 = 100.0;

/// Warns once if the features' spreads are far apart.
pub(super) fn warn(name: &str, natures: &[Nature], data: &Training) {
    let spreads = || natures.iter().zip(data.x.names()).filter(|(nature, _)| nature.deviation > 0.0);
    let by = |a: &(&Nature, &String), b: &(&Nature, &String)| a.0.deviation.total_cmp(&b.0.deviation);
    let (Some(narrow), Some(wide)) = (spreads().min_by(by), spreads().max_by(by)) else { return };
    let times = wide.0.deviation / narrow.0.deviation;
    if times <= APART {
        return;
    }
    let message = format!(
        "`{name}` takes a feature's size for its weight, and `{}` varies {times:.0} times as much as `{}`",
        wide.1, narrow.1
    );
    data.watch.warn(Fault::warning("not-scaled", message).help("put `standardize` before"));
}
