//! Whether a model takes the champion's place: both are judged on the same rows, and compared by a paired bootstrap.

use std::collections::BTreeSet;

use serde::Serialize;

use super::effects::Champion;
use super::event::Event;
use super::features::{self, Meaning};
use super::judging::{Answers, Reading};
use super::leaks;
use super::outcome::PartMeta;
use super::raw::raw;
use super::run::Cx;
use super::seal::raw_rows;
use super::table;
use crate::data::{Kind, Table, Value, elementary, positions, stats};
use crate::learn::{Interval, Prediction, Task, find_metric, paired};
use crate::plan::{Deploy, Step, StepKind, Train};
use crate::seal::{Answer, Predictor, Sealed, Trained};
use crate::source::Fault;
use crate::spec::{Bar, Promotion};
use crate::store::Digest;

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Promoted {
    /// The new model keeps every bound.
    Promoted,
    /// It breaks one for certain.
    KeptChampion,
    /// The rows don't tell.
    CantTell,
}

/// A bound, and how both models stand to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The metric.
    pub metric: String,
    /// At least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Bar>,
    /// At most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Bar>,
    /// The new model's score.
    pub candidate: f64,
    /// The champion's, on the same rows.
    pub champion: f64,
    /// Where the first less the second would lie on other rows of the same kind, in 95 of 100 cases.
    pub difference: Option<Interval>,
    /// Whether the bound is kept; none if the rows don't tell.
    pub holds: Option<bool>,
    /// About how many rows it would take to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_needed: Option<u64>,
}

/// A new model beside the champion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weighed {
    /// What came of it.
    pub verdict: Promoted,
    /// The champion's version; none if there was no champion.
    pub champion: Option<u32>,
    /// How many rows both could answer.
    pub rows: usize,
    /// Of how many.
    pub of: usize,
    /// Bound by bound.
    pub compared: Vec<Compared>,
    /// Why they couldn't be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
}

impl Weighed {
    fn plain(verdict: Promoted, champion: Option<u32>) -> Self {
        Self { verdict, champion, rows: 0, of: 0, compared: Vec::new(), obstacle: None }
    }

    /// In a line: "kept champion version 2: f1 0.9012 against 0.9123".
    pub fn words(&self, alias: &str) -> String {
        let Some(version) = self.champion else {
            return format!("there was no {alias}");
        };
        let verdict = match self.verdict {
            Promoted::Promoted if self.compared.is_empty() => return format!("it is the {alias} already"),
            Promoted::Promoted => format!("promoted over {alias} version {version}"),
            Promoted::KeptChampion => format!("kept {alias} version {version}"),
            Promoted::CantTell => format!("can't tell, kept {alias} version {version}"),
        };
        let told: Vec<String> =
            self.obstacle.iter().cloned().chain(self.compared.iter().map(Compared::words)).collect();
        format!("{verdict}: {}", told.join("; "))
    }
}

impl Compared {
    /// "f1 0.9012 against 0.9123 (difference -0.0210 to -0.0013)".
    fn words(&self) -> String {
        let range = self.difference.map_or(String::new(), |difference| {
            format!(" (difference {:.4} to {:.4})", difference.low, difference.high)
        });
        let rows = self.rows_needed.map_or(String::new(), |rows| format!(", about {rows} rows would tell"));
        format!("{} {:.4} against {:.4}{range}{rows}", self.metric, self.candidate, self.champion)
    }
}

/// Compares the model of a train step, sealed as `sealed`, with what the alias points to.
///
/// # Errors
/// If the new model can't be judged. A champion that can't be is told, and stays.
pub(super) fn weigh(cx: &Cx, step: &Step, deploy: &Deploy, model: usize, sealed: &Digest) -> Result<Weighed, Fault> {
    let Some(champion) = cx.effects.champion(&deploy.name, &deploy.alias)? else {
        return Ok(Weighed::plain(Promoted::Promoted, None));
    };
    if champion.digest == *sealed {
        return Ok(Weighed::plain(Promoted::Promoted, Some(champion.version)));
    }
    let StepKind::Train(train) = &cx.plan.steps[model].kind else {
        unreachable!("the plan lets only train steps stand here");
    };
    let meta = table::meta(cx, train.input)?;
    let part = table::needed(&meta, deploy.on)?;
    let trained = Trained::from_bytes(&table::object(&cx.store, &cx.done(model).outputs["model"])?)?;
    let bench = Bench { cx, train, part, trained: &trained };
    let both = match bench.both(&champion) {
        Ok(both) => both,
        Err(Stop::Fault(fault)) => return Err(fault),
        Err(Stop::Obstacle(obstacle)) => {
            warn(cx, step, "not-compared", &obstacle, &deploy.name);
            let plain = Weighed::plain(Promoted::CantTell, Some(champion.version));
            return Ok(Weighed { obstacle: Some(obstacle), of: part.rows, ..plain });
        }
    };
    if let Some(seen) = bench.seen(&champion).filter(|seen| *seen > 0) {
        let message = format!(
            "version {} learned from {seen} of the {} rows that it is compared on, which flatters it",
            champion.version, part.rows
        );
        let fault = Fault::warning("leak-champion", message)
            .help("let the split keep its rows: `split: {test: 0.25, hash: id}`");
        leaks::warn(cx, step, fault.within("promote_if").under(&step.route()))?;
    }
    let compared = compare(&deploy.promote_if, &both)?;
    let verdict = if compared.iter().any(|bound| bound.holds == Some(false)) {
        Promoted::KeptChampion
    } else if compared.iter().any(|bound| bound.holds.is_none()) {
        Promoted::CantTell
    } else {
        Promoted::Promoted
    };
    Ok(Weighed {
        verdict,
        champion: Some(champion.version),
        rows: both.candidate.rows(),
        of: part.rows,
        compared,
        obstacle: None,
    })
}

fn warn(cx: &Cx, step: &Step, code: &'static str, obstacle: &str, name: &str) {
    let fault = Fault::warning(code, format!("the champion stays: {obstacle}"))
        .help(format!("`gristmill models promote {name}@VERSION` moves it by hand"));
    cx.tell(Event::Warning { step: step.name.clone(), fault: fault.within("promote_if").under(&step.route()) });
}

/// Why there is no comparison.
enum Stop {
    /// The run is at fault.
    Fault(Fault),
    /// The champion is.
    Obstacle(String),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Both models on the same rows.
struct Both {
    candidate: Answers,
    champion: Answers,
}

/// What a comparison stands on.
struct Bench<'a> {
    cx: &'a Cx<'a>,
    train: &'a Train,
    part: &'a PartMeta,
    trained: &'a Trained,
}

impl Bench<'_> {
    /// The champion as it was judged: one that was fitted once more has seen every row since.
    fn judged(&self, champion: &Champion) -> Result<Digest, Stop> {
        let Some(scored) = champion.lineage["refit"]["scored"].as_str().and_then(|digest| digest.parse().ok()) else {
            return Ok(champion.digest);
        };
        if self.cx.store.get(&scored).map_err(Fault::from)?.is_some() {
            return Ok(scored);
        }
        let why = "was fitted on all rows, today's too, and the model before that isn't kept";
        Err(Stop::Obstacle(format!("version {} {why}", champion.version)))
    }

    /// Lets the champion answer the raw rows of the new model's, and takes those that it can answer.
    fn both(&self, champion: &Champion) -> Result<Both, Stop> {
        let obstacle = |fault: Fault| Stop::Obstacle(format!("version {}: {}", champion.version, fault.message));
        let predictor = table::object(&self.cx.store, &self.judged(champion)?)
            .and_then(|bytes| Sealed::open(&bytes))
            .map_err(obstacle)?;
        let raw = raw(self.cx, self.train.input)?;
        let other = &predictor.sealed().trained;
        self.fits(other, &predictor, &raw)
            .map_err(|why| Stop::Obstacle(format!("version {} {why}", champion.version)))?;
        let frame = table::frame(self.cx, self.part)?;
        let (rows, places) = raw_rows(raw.training(), &frame)?;
        let said = predictor.answer_table(&rows).map_err(obstacle)?;
        let answered: Vec<(usize, Answer)> =
            places.into_iter().zip(said).filter_map(|(place, answer)| Some((place, answer.ok()?))).collect();
        if answered.is_empty() {
            return Err(Stop::Obstacle(format!(
                "version {} can answer none of the {} rows",
                champion.version, self.part.rows
            )));
        }
        let classes = union(&self.trained.classes, &other.classes);
        let (places, said): (Vec<usize>, Vec<Answer>) = answered.into_iter().unzip();
        let truth = features::answers(
            &frame,
            &self.trained.target,
            &Meaning { classes: classes.clone(), ..Meaning::of(self.trained) },
        )?
        .take(&places);
        let mine = self
            .trained
            .predict(&features::matrix(&frame, &self.trained.features, self.trained.missing)?)?
            .take(&places);
        let reading = |of: &Trained| Reading {
            classes: classes.len(),
            positive: of.positive.and_then(|at| place(&classes, &of.classes[at as usize])).unwrap_or_default(),
            threshold: of.threshold,
        };
        let champion = match self.trained.task {
            Task::Regression => {
                Prediction::Numbers(said.iter().map(|answer| answer.prediction.as_f64().unwrap_or(f64::NAN)).collect())
            }
            Task::Classification => laid_out(said.iter().map(|answer| answer.probability.as_slice()), other, &classes),
        };
        let mine = match mine {
            Prediction::Probabilities { classes: count, values } => {
                laid_out(values.chunks(count), self.trained, &classes)
            }
            numbers @ Prediction::Numbers(_) => numbers,
        };
        Ok(Both {
            candidate: Answers::new(truth.clone(), mine, reading(self.trained)),
            champion: Answers::new(truth, champion, reading(other)),
        })
    }

    /// Whether the champion answers the same question from what today's rows have.
    fn fits(&self, other: &Trained, predictor: &Predictor, raw: &Table) -> Result<(), String> {
        if (&other.target, other.task) != (&self.trained.target, self.trained.task) {
            return Err(format!("predicts `{}`, and this model `{}`", other.target, self.trained.target));
        }
        let classes = union(&self.trained.classes, &other.classes).len();
        // A threshold is of two classes: beside a third one neither model can be read as it answers.
        if classes != 2 && (self.trained.threshold.is_some() || other.threshold.is_some()) {
            return Err("knows other classes, and one of the two decides by a threshold".to_owned());
        }
        if classes == 2 && (self.trained.classes.len() < 2 || other.classes.len() < 2) {
            return Err("knows other classes".to_owned());
        }
        for field in &predictor.sealed().signature {
            let Some(now) = raw.shape.known(&field.name) else {
                return Err(format!("asks for `{}`, which today's rows don't have", field.name));
            };
            let reads = |kind: Kind| if kind.is_numeric() { Kind::Float } else { kind };
            if reads(now) != reads(field.kind) && !(now.is_string() && field.kind.is_string()) {
                return Err(format!("asks for `{}` as {}, and today it is {now}", field.name, field.kind));
            }
        }
        Ok(())
    }

    /// How many of the compared rows the champion learned from, where that can be known: it comes from the same source,
    /// and the rows that it learned from are kept.
    fn seen(&self, champion: &Champion) -> Option<usize> {
        let (source, _) = self.cx.plan.chain(self.train.input);
        let name = &self.cx.plan.sources[source].spec.name;
        let bytes = self.cx.identity(source).ok()?.bytes;
        if champion.lineage["sources"][name].as_str()? != bytes.to_string() {
            return None;
        }
        let digest: Digest = champion.lineage["rows"].as_str()?.parse().ok()?;
        let learned = crate::data::from_bytes(self.cx.store.get(&digest).ok()??).ok()?;
        let learned: BTreeSet<i64> = positions(&learned).ok()?.iter().flatten().collect();
        let today = table::frame(self.cx, self.part).ok()?;
        Some(positions(&today).ok()?.iter().flatten().filter(|row| learned.contains(row)).count())
    }
}

/// The classes of both, in order.
fn union(ours: &[Value], theirs: &[Value]) -> Vec<Value> {
    let mut all: Vec<Value> = ours.iter().chain(theirs).cloned().collect();
    stats::sort(&mut all);
    all.dedup();
    all
}

fn place(classes: &[Value], class: &Value) -> Option<u32> {
    classes.iter().position(|other| other == class).map(|place| place as u32)
}

/// A model's probabilities as those of `classes`; a class that it doesn't know has probability 0.
fn laid_out<'a>(rows: impl Iterator<Item = &'a [f64]>, of: &Trained, classes: &[Value]) -> Prediction {
    let places: Vec<Option<u32>> = of.classes.iter().map(|class| place(classes, class)).collect();
    let mut values = Vec::new();
    for row in rows {
        let from = values.len();
        values.resize(from + classes.len(), 0.0);
        for (chance, place) in row.iter().zip(&places) {
            if let Some(place) = place {
                values[from + *place as usize] = *chance;
            }
        }
    }
    Prediction::Probabilities { classes: classes.len(), values }
}

/// Holds both against each bound.
fn compare(bounds: &[Promotion], both: &Both) -> Result<Vec<Compared>, Fault> {
    let (candidate, champion) = (both.candidate.sheets()?, both.champion.sheets()?);
    let one = |bound: &Promotion| {
        let metric = find_metric(&bound.metric)?;
        let found = paired(metric, candidate.of(metric), champion.of(metric))
            .map_err(|fault| Fault { message: format!("`{}`: {}", metric.name, fault.message), ..fault })?;
        let stands = [(bound.min, 1.0), (bound.max, -1.0)].into_iter().filter_map(|(bar, sign)| {
            Some(stand(bar?, sign, found.first, found.second, found.difference, both.candidate.rows()))
        });
        let stands: Vec<(Option<bool>, Option<u64>)> = stands.collect();
        let holds = if stands.iter().any(|(holds, _)| *holds == Some(false)) {
            Some(false)
        } else if stands.iter().any(|(holds, _)| holds.is_none()) {
            None
        } else {
            Some(true)
        };
        Ok(Compared {
            metric: bound.metric.clone(),
            min: bound.min,
            max: bound.max,
            candidate: found.first,
            champion: found.second,
            difference: found.difference,
            holds,
            rows_needed: stands.iter().filter_map(|(_, rows)| *rows).max().filter(|_| holds.is_none()),
        })
    };
    bounds
        .iter()
        .map(|bound| one(bound).map_err(|fault: Fault| fault.within(&bound.metric).within("promote_if")))
        .collect()
}

/// Whether a bar is kept (`sign` 1: at least, -1: at most), and about how many rows it would take to tell where these don't.
fn stand(
    bar: Bar,
    sign: f64,
    candidate: f64,
    champion: f64,
    difference: Option<Interval>,
    rows: usize,
) -> (Option<bool>, Option<u64>) {
    let more = match bar {
        Bar::Number(number) => return (Some(sign * (candidate - number) >= 0.0), None),
        Bar::Champion(more) => more,
    };
    let Some(Interval { low, high }) = difference else { return (None, None) };
    let (worst, best) = if sign > 0.0 { (low - more, high - more) } else { (more - high, more - low) };
    if worst >= 0.0 {
        return (Some(true), None);
    }
    if best < 0.0 {
        return (Some(false), None);
    }
    // The interval narrows with the root of the rows: until the bar is outside of it.
    let distance = (candidate - champion - more).abs();
    let half = (high - low) / 2.0;
    let needed = rows as f64 * (half / distance).powi(2);
    (None, (needed.is_finite() && needed < 1e12).then(|| rounded(needed.max(rows as f64 + 1.0))))
}

/// With two digits, rounded up.
fn rounded(number: f64) -> u64 {
    let unit = elementary::powf(10.0, elementary::log10(number).floor() - 1.0).max(1.0);
    ((number / unit).ceil() * unit) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_kept_broken_or_within_the_interval() {
        let difference = Some(Interval { low: -0.02, high: 0.04 });
        let stand = |bar, sign| stand(bar, sign, 0.91, 0.90, difference, 100);
        assert_eq!(stand(Bar::Champion(-0.02), 1.0), (Some(true), None));
        assert_eq!(stand(Bar::Champion(0.05), 1.0), (Some(false), None));
        // Half of 0.06 is 3 times the distance of 0.01: 9 times the rows.
        assert_eq!(stand(Bar::Champion(0.0), 1.0), (None, Some(900)));
        assert_eq!(stand(Bar::Champion(0.04), -1.0), (Some(true), None));
        assert_eq!(stand(Bar::Champion(-0.03), -1.0), (Some(false), None));
        assert_eq!(stand(Bar::Number(0.91), 1.0), (Some(true), None));
        assert_eq!(stand(Bar::Number(0.92), 1.0), (Some(false), None));
        assert_eq!(stand(Bar::Champion(0.01), 1.0).0, None, "no number of rows tells what is equal");
    }

    #[test]
    fn numbers_of_rows_are_told_with_two_digits() {
        assert_eq!([rounded(7.2), rounded(12.0), rounded(1234.0), rounded(98_765.0)], [8, 12, 1300, 99_000]);
    }
}
