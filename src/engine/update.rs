//! `update: previous`: a model that goes on from the one that its step made last time.
//!
//! Which one that is stands in the lock, beside the key that it counts in. As long as nothing else changes, the key with
//! the parent of last time is the key of last time: then nothing is made. Once something does, the model of last time is
//! the parent.

use super::features::Meaning;
use super::run::Cx;
use super::unit::Parts;
use crate::learn::{Estimator, TargetScale, Training, Watch};
use crate::plan::Train;
use crate::seal::{Feature, Trained};
use crate::source::Fault;
use crate::store::{Digest, key_alone};

/// What a parent is called among outputs and in keys.
pub(super) const PARENT: &str = "parent";

/// The parts of a key, and the parent that is among them.
pub(super) struct Updated {
    pub(super) parts: Parts,
    pub(super) parent: Option<Digest>,
}

/// The key of a train step with the model that it goes on from.
pub(super) fn key(train: &Train, parts: Parts) -> Updated {
    let mut parts = parts;
    if remembers(train) {
        parts.add("remembers", true);
    }
    let Some(Some(last)) = &train.update else { return Updated { parts, parent: None } };
    let with = |parent: Option<Digest>| {
        let mut parts = parts.clone();
        parent.into_iter().for_each(|parent| parts.add(PARENT, parent.to_string()));
        Updated { parts, parent }
    };
    let same = with(last.parent);
    if key_alone(&same.parts) == last.key { same } else { with(Some(last.model)) }
}

/// Whether the model keeps what it takes to go on from it.
fn remembers(train: &Train) -> bool {
    train.update.is_some() && train.model.remembers()
}

/// The model that is gone on from.
pub(super) fn parent(cx: &Cx, digest: &Digest) -> Result<Trained, Fault> {
    let bytes = cx.store.get(digest)?.ok_or_else(|| {
        let message = format!("the model that this one goes on from isn't here: {}", digest.short());
        Fault::new("no-parent", message)
            .help("bring `.gristmill/` from where it was made, or leave `update` out to learn anew")
            .on_key()
            .within("update")
    })?;
    Trained::from_bytes(&bytes).map_err(|fault| fault.within("update"))
}

/// The previous model, if it can be gone on from, and the features as that reads them. Else it is told why not.
pub(super) fn going_on<'a>(
    train: &Train,
    meaning: &Meaning,
    previous: Option<&'a Trained>,
    inputs: Vec<Feature>,
    watch: &dyn Watch,
) -> (Option<&'a Trained>, Vec<Feature>) {
    let Some(previous) = previous else { return (None, inputs) };
    match apart(train, meaning, previous, &inputs) {
        None => (Some(previous), previous.features.clone()),
        Some(why) => {
            watch.warn(anew(&format!(" from the previous model, which {why}")));
            (None, inputs)
        }
    }
}

fn anew(why: &str) -> Fault {
    Fault::warning("learned-anew", format!("it can't go on{why}: it is learned anew"))
}

/// Why a model can't be gone on from, if it can't.
fn apart(train: &Train, meaning: &Meaning, previous: &Trained, inputs: &[Feature]) -> Option<&'static str> {
    let reads = |(one, other): (&Feature, &Feature)| match (&one.categories, &other.categories) {
        (None, None) => true,
        (Some(old), Some(new)) => new.iter().all(|category| old.contains(category)),
        _ => false,
    };
    let names = |features: &[Feature]| features.iter().map(|feature| feature.name.clone()).collect::<Vec<_>>();
    if previous.model != train.model_name {
        Some("is of another kind")
    } else if previous.target != train.target.column || Meaning::of(previous) != *meaning {
        Some("predicts something else")
    } else if names(&previous.features) != names(inputs) {
        Some("reads other features")
    } else if !previous.features.iter().zip(inputs).all(reads) {
        Some("doesn't know all of the categories")
    } else if previous.estimator.bare().1.map(TargetScale::transform) != train.decision.transform {
        Some("has learned on another scale")
    } else if matches!(previous.estimator.bare().0, Estimator::Constant(_)) {
        Some("has met only one answer")
    } else if train.model.remembers() && !matches!(previous.estimator.bare().0, Estimator::Resumable(_)) {
        Some("was learned without `update`, and remembers nothing of its rows")
    } else {
        None
    }
}

/// Learns, from the previous model on if there is one; none if its hyper-parameters don't let it go on, which is told.
pub(super) fn fit(train: &Train, previous: Option<&Trained>, data: Training) -> Result<Option<Estimator>, Fault> {
    let data = if remembers(train) { data.remembering() } else { data };
    let Some(previous) = previous else { return train.model.fit(&data).map(Some) };
    match train.model.update(previous.estimator.bare().0, &data) {
        Err(fault) if fault.code == "no-update" => {
            data.watch.warn(anew(&format!(", for {}", fault.message)));
            Ok(None)
        }
        updated => updated.map(Some),
    }
}
