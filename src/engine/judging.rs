//! Judging one model: what it says of rows beside the truth, and every score of that.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use polars::prelude::DataFrame;

use super::coverage::at_split;
use super::event::Event;
use super::features::{self, Meaning};
use super::fit::Stage;
use super::held::OutOfFold;
use super::importance;
use super::judge::{ClassScores, ModelReport, Scores, SliceReport};
use super::outcome::{PartMeta, TableMeta};
use super::run::Cx;
use super::table;
use super::train::needs_held_out;
use crate::data::{Kind, Matrix, Part, positions, unexpected, value_at};
use crate::learn::{
    self, Curves, MetricEntry, Overall, Prediction, Scored, Sheet, Target, confusion, find_metric, report,
};
use crate::plan::{Evaluate, Input, On, Step, Train, Using, brings};
use crate::recipe::{apply, of_record};
use crate::seal::Trained;
use crate::source::Fault;
use crate::store::Digest;

/// Metrics that mean another thing for two classes than for more.
const OF_TWO: [&str; 7] = ["precision", "recall", "f1", "roc_auc", "pr_auc", "brier", "ece"];
/// Of more classes no confusion matrix is kept.
const CONFUSED: usize = 100;
/// What takes less is predicted again, until the time that it takes is known.
const ENOUGH: f64 = 0.02;
const MOST_TIMES: usize = 10;

/// What is judged: a model, its table, and where its out-of-fold predictions are.
pub(super) struct Candidate<'a> {
    pub(super) train: &'a Train,
    pub(super) model: Digest,
    pub(super) folds: Option<Digest>,
    pub(super) table: TableMeta,
    /// How long its fit took.
    pub(super) seconds: f64,
}

impl Candidate<'_> {
    /// Whether rows of the validation part decided something of it: a threshold, weights, hyper-parameters.
    pub(super) fn by_validation(&self, cx: &Cx) -> bool {
        let searched = self.train.tune.as_ref().is_some_and(|tune| !matches!(tune.using, Using::Folds(_)));
        searched || needs_held_out(cx, self.train, Stage::Whole)
    }
}

/// How a model's probabilities are read: which class of how many is the positive one, and from which probability on a row
/// is called so, if not by the likelier class.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) classes: usize,
    pub(super) positive: u32,
    pub(super) threshold: Option<f64>,
}

impl Reading {
    pub(super) fn of(trained: &Trained) -> Self {
        let positive = trained.positive.unwrap_or_default();
        Self { classes: trained.classes.len(), positive, threshold: trained.threshold }
    }
}

/// True answers and a model's, row by row.
pub(super) struct Answers {
    truth: Target,
    prediction: Prediction,
    /// The same as two classes, where the model knows two and the rows have a third. A class that the train rows don't
    /// have is a wrong answer, and not the positive one: it doesn't turn a metric of two classes into an average over three.
    narrow: Option<(Target, Prediction)>,
    reading: Reading,
}

impl Answers {
    /// Truth and prediction of the same rows. A class that only the rows have gets probability 0.
    pub(super) fn new(truth: Target, prediction: Prediction, reading: Reading) -> Self {
        let prediction = widened(prediction, &truth);
        let narrow = match (reading.classes, &truth, &prediction) {
            (2, Target::Classes { codes, count: 3 }, Prediction::Probabilities { values, .. }) => {
                let codes = codes.iter().map(|code| if *code == 2 { 1 - reading.positive } else { *code }).collect();
                let values = values.chunks(3).flat_map(|row| row[..2].iter().copied()).collect();
                Some((Target::Classes { codes, count: 2 }, Prediction::Probabilities { classes: 2, values }))
            }
            _ => None,
        };
        Self { truth, prediction, narrow, reading }
    }

    pub(super) fn rows(&self) -> usize {
        self.truth.rows()
    }

    pub(super) fn take(&self, rows: &[usize]) -> Self {
        let narrow = self.narrow.as_ref().map(|(truth, prediction)| (truth.take(rows), prediction.take(rows)));
        Self { truth: self.truth.take(rows), prediction: self.prediction.take(rows), narrow, reading: self.reading }
    }

    /// The same truth beside what is said of the rows otherwise.
    pub(super) fn beside(&self, prediction: Prediction) -> Self {
        Self::new(self.truth.clone(), prediction, self.reading)
    }

    /// Laid out to be judged.
    pub(super) fn sheets(&self) -> Result<Sheets<'_>, Fault> {
        let narrow = self.narrow.as_ref().map(|(truth, prediction)| self.sheet(truth, prediction)).transpose()?;
        Ok(Sheets { wide: self.sheet(&self.truth, &self.prediction)?, narrow })
    }

    /// As metrics read it: the one place where it is told how probabilities become labels.
    fn sheet<'a>(&self, truth: &'a Target, prediction: &'a Prediction) -> Result<Sheet<'a>, Fault> {
        Sheet::new(&Scored { truth, prediction, positive: self.reading.positive }, self.reading.threshold)
    }
}

/// A class that only the judged rows have gets probability 0.
fn widened(prediction: Prediction, truth: &Target) -> Prediction {
    match (prediction, truth) {
        (Prediction::Probabilities { classes, values }, Target::Classes { count, .. }) if *count > classes => {
            let wide = values
                .chunks(classes)
                .flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, count - classes)));
            Prediction::Probabilities { classes: *count, values: wide.collect() }
        }
        (prediction, _) => prediction,
    }
}

/// Answers laid out: all classes, and as two where there are only two to know.
pub(super) struct Sheets<'a> {
    wide: Sheet<'a>,
    narrow: Option<Sheet<'a>>,
}

impl<'a> Sheets<'a> {
    /// The sheet that a metric is of.
    pub(super) fn of(&self, metric: &MetricEntry) -> &Sheet<'a> {
        self.narrow.as_ref().filter(|_| OF_TWO.contains(&metric.name)).unwrap_or(&self.wide)
    }

    /// The sheet that curves are of.
    fn main(&self) -> &Sheet<'a> {
        self.narrow.as_ref().unwrap_or(&self.wide)
    }

    pub(super) fn score(&self, name: &str) -> Result<f64, Fault> {
        let metric = find_metric(name)?;
        self.of(metric).score(metric)
    }

    /// The metrics that these rows define.
    pub(super) fn defined(&self, names: &[&'static str]) -> BTreeMap<String, f64> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), self.score(name).ok()?))).collect()
    }

    /// The metrics that these rows define by themselves, without a word on what 0 of 0 is.
    fn settled(&self, names: &[&'static str]) -> BTreeMap<String, f64> {
        let is_settled = |name: &str| find_metric(name).is_ok_and(|metric| self.of(metric).is_defined(metric));
        self.defined(names).into_iter().filter(|(name, _)| is_settled(name)).collect()
    }

    fn intervals(&self, names: &[&'static str]) -> BTreeMap<String, learn::Interval> {
        let metrics: Vec<&'static MetricEntry> = names.iter().filter_map(|name| find_metric(name).ok()).collect();
        let mut found = BTreeMap::new();
        for sheet in [Some(&self.wide), self.narrow.as_ref()].into_iter().flatten() {
            let of: Vec<_> = metrics.iter().copied().filter(|metric| std::ptr::eq(self.of(metric), sheet)).collect();
            for (metric, interval) in of.iter().zip(learn::intervals(&of, sheet)) {
                found.extend(interval.map(|interval| (metric.name.to_owned(), interval)));
            }
        }
        found
    }
}

/// A report, and what isn't the same at every run: how long 1,000 rows took to predict, in seconds.
pub(super) struct Judged {
    pub(super) report: ModelReport,
    pub(super) seconds: f64,
}

/// Judges a model on the rows that were asked for.
pub(super) fn judge(cx: &Cx, step: &Step, evaluate: &Evaluate, candidate: &Candidate) -> Result<Judged, Fault> {
    let bytes = table::object(&cx.store, &candidate.model)?;
    let trained = Trained::from_bytes(&bytes)?;
    let of = |part: Part, rows: usize| at_split(cx, candidate.train, part).unwrap_or(rows);
    let (told, whole) = match evaluate.on {
        On::Part(part) => {
            let told = part_answers(cx, candidate, &trained, part)?;
            let whole = of(part, told.answers.rows());
            (told, whole)
        }
        On::Table(input) => brought(cx, candidate, &trained, input).map_err(|fault| fault.within("on"))?,
    };
    warn_of_strangers(cx, step, &told.answers, &trained);
    let sheets = told.answers.sheets()?;
    let mut metrics = BTreeMap::new();
    for name in &evaluate.metrics {
        let value = sheets
            .score(name)
            .map_err(|fault| Fault { message: format!("`{name}`: {}", fault.message), ..fault }.within("metrics"))?;
        metrics.insert((*name).to_owned(), value);
    }
    cx.check()?;
    let scores = Scores { rows: told.answers.rows(), of: whole, metrics };
    let validation = match candidate.table.part(Part::Validation) {
        Some(meta) if meta.rows > 0 => {
            let answers = part_answers(cx, candidate, &trained, Part::Validation)?.answers;
            let metrics = answers.sheets()?.defined(&evaluate.metrics);
            Some(Scores { rows: answers.rows(), of: of(Part::Validation, answers.rows()), metrics })
        }
        _ => None,
    };
    let (cv, cv_std) = folds(cx, evaluate, candidate, &trained)?;
    let ByClass { classes, overall, confusion } = by_class(&trained, &sheets.wide)?;
    let mut slices = Vec::new();
    for (column, input) in &evaluate.slices {
        slices.extend(slice(cx, evaluate, column, *input, &told)?);
    }
    let importance = match evaluate.importance {
        Some(asked) => Some(importance::of(cx, evaluate, asked, candidate, &trained, &told)?),
        None => None,
    };
    let report = ModelReport {
        scores,
        intervals: sheets.intervals(&evaluate.metrics),
        validation,
        cv,
        cv_std,
        classes,
        overall,
        confusion,
        slices,
        importance,
        bytes: bytes.len() as u64,
        curves: Some(Curves::of(sheets.main())),
    };
    Ok(Judged { report, seconds: told.seconds })
}

/// The true answers of a part's rows and the model's, and where the rows stand in their source.
pub(super) struct Told {
    pub(super) answers: Answers,
    /// The judged rows after all ops, and the features that the model reads of them.
    pub(super) frame: DataFrame,
    pub(super) x: Matrix,
    rows: Vec<i64>,
    /// How long it takes to predict 1,000 rows.
    seconds: f64,
}

/// The row steps of all ops on the way to a model.
pub(super) fn recipes(cx: &Cx, train: &Train) -> Vec<Digest> {
    let (_, steps) = cx.plan.chain(train.input);
    steps.iter().flat_map(|step| cx.done(*step).segments()).map(|segment| segment.recipe).collect()
}

/// Another table's rows after the ops that lead to the model, as requests meet them, and how many rows it has.
fn brought(cx: &Cx, candidate: &Candidate, trained: &Trained, input: Input) -> Result<(Told, usize), Fault> {
    let meta = table::meta(cx, input)?;
    let rows = table::frame(cx, meta.training())?;
    for field in brings(cx.plan, candidate.train).iter().flat_map(|shape| &shape.fields) {
        let Some(now) = meta.shape.known(&field.name) else { continue };
        let alike = |a: Kind, b: Kind| a == b || (a.is_numeric() && b.is_numeric()) || (a.is_string() && b.is_string());
        if !alike(now, field.kind) {
            let message = format!("`{}` is {now} here, and {} where the models learned", field.name, field.kind);
            return Err(Fault::new("wrong-type", message).help("say its type: `columns` of the source, or `cast`"));
        }
    }
    let mut steps = Vec::new();
    for recipe in recipes(cx, candidate.train) {
        steps.extend(table::recipe(&cx.store, &recipe)?);
    }
    let frame = apply(of_record(&steps), (*rows).clone())?.frame;
    if frame.height() == 0 {
        return Err(Fault::new("no-rows", "the ops on the way to the models refuse every row of this table"));
    }
    Ok((answers(&frame, trained)?, rows.height()))
}

/// The rows of a part that have the values of a slice.
pub(super) fn sliced<'a>(meta: &'a TableMeta, evaluate: &Evaluate) -> Result<&'a PartMeta, Fault> {
    let part = evaluate.on.part().and_then(|part| meta.part(part)).map_or(Part::All, |part| part.part);
    table::needed(meta, part)
}

fn part_answers(cx: &Cx, candidate: &Candidate, trained: &Trained, part: Part) -> Result<Told, Fault> {
    let frame = table::frame(cx, table::needed(&candidate.table, part)?)?;
    if frame.height() == 0 {
        return Err(Fault::new("no-rows", format!("the {part} part has no rows left to judge on"))
            .help("look at what the ops after the split drop"));
    }
    answers(&frame, trained)
}

fn answers(frame: &DataFrame, trained: &Trained) -> Result<Told, Fault> {
    let truth = features::answers(frame, &trained.target, &Meaning::of(trained))?;
    let x = features::matrix(frame, &trained.features, trained.missing)?;
    let (mut prediction, mut fastest) = timed(|| trained.predict(&x))?;
    let mut spent = fastest;
    for _ in 1..MOST_TIMES {
        if spent >= ENOUGH {
            break;
        }
        let (again, seconds) = timed(|| trained.predict(&x))?;
        prediction = again;
        fastest = fastest.min(seconds);
        spent += seconds;
    }
    let rows = positions(frame)?.iter().map(|row| row.unwrap_or(-1)).collect();
    let seconds = fastest / frame.height() as f64 * 1000.0;
    let answers = Answers::new(truth, prediction, Reading::of(trained));
    Ok(Told { answers, frame: frame.clone(), x, rows, seconds })
}

/// What work gives, and how long it took, in seconds.
fn timed<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<(T, f64), Fault> {
    let began = Instant::now();
    let made = work()?;
    Ok((made, began.elapsed().as_secs_f64()))
}

/// Tells that the judged rows have a class that no model can know.
fn warn_of_strangers(cx: &Cx, step: &Step, answers: &Answers, trained: &Trained) {
    let Target::Classes { codes, .. } = &answers.truth else { return };
    let strangers = codes.iter().filter(|code| **code as usize >= trained.classes.len()).count();
    if strangers > 0 {
        let message = format!(
            "{strangers} of the judged rows have a class that no train row has: no model can be right about them"
        );
        let fault =
            Fault::warning("unknown-class", message).help("stratify the split by the target, or drop such rows");
        cx.tell(Event::Warning { step: step.name.clone(), fault: fault.within("evaluate").under(&step.route()) });
    }
}

type FoldScores = (Option<BTreeMap<String, f64>>, Option<BTreeMap<String, f64>>);

/// Mean and spread of each metric over the folds.
fn folds(cx: &Cx, evaluate: &Evaluate, candidate: &Candidate, trained: &Trained) -> Result<FoldScores, Fault> {
    let Some(digest) = candidate.folds else {
        return Ok((None, None));
    };
    let kept = OutOfFold::kept(cx, &digest)?;
    let mut by_metric: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for fold in &kept.folds {
        let (truth, prediction) = fold.scored(kept.classes);
        if truth.rows() == 0 {
            continue;
        }
        // The model of a fold calls rows by a threshold of its own.
        let reading = Reading { threshold: fold.threshold, ..Reading::of(trained) };
        let answers = Answers::new(truth, prediction, reading);
        let Ok(sheets) = answers.sheets() else { continue };
        for (name, value) in sheets.defined(&evaluate.metrics) {
            by_metric.entry(name).or_default().push(value);
        }
    }
    // A metric that some fold doesn't define has no mean over the folds.
    by_metric.retain(|_, values| values.len() == kept.folds.len());
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let std = |values: &[f64]| {
        (values.iter().map(|value| (value - mean(values)).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    };
    let means = by_metric.iter().map(|(name, values)| (name.clone(), mean(values))).collect();
    let stds = by_metric.iter().map(|(name, values)| (name.clone(), std(values))).collect();
    Ok((Some(means), Some(stds)))
}

/// What there is to say of labels.
#[derive(Default)]
struct ByClass {
    classes: Vec<ClassScores>,
    overall: Option<Overall>,
    confusion: Vec<Vec<u64>>,
}

fn by_class(trained: &Trained, sheet: &Sheet) -> Result<ByClass, Fault> {
    if trained.task == learn::Task::Regression {
        return Ok(ByClass::default());
    }
    let found = report(sheet)?;
    let name =
        |place: usize| trained.classes.get(place).map_or("(not in the train rows)".to_owned(), ToString::to_string);
    let classes = found.classes.iter().enumerate().map(|(place, class)| ClassScores {
        class: name(place),
        precision: class.precision,
        recall: class.recall,
        f1: class.f1,
        support: class.support,
    });
    let confusion = if found.classes.len() <= CONFUSED { confusion(sheet)? } else { Vec::new() };
    Ok(ByClass { classes: classes.collect(), overall: Some(found.overall), confusion })
}

/// The scores of the rows with each value of a column, by the values that the column had before it was encoded.
fn slice(cx: &Cx, evaluate: &Evaluate, column: &str, input: Input, told: &Told) -> Result<Vec<SliceReport>, Fault> {
    let meta = table::meta(cx, input)?;
    let frame = table::frame(cx, sliced(&meta, evaluate)?)?;
    let values = frame.column(column).map_err(unexpected)?;
    let place: HashMap<i64, usize> =
        positions(&frame)?.iter().enumerate().filter_map(|(row, position)| Some((position?, row))).collect();
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (row, position) in told.rows.iter().enumerate() {
        let value = place.get(position).map_or("?".to_owned(), |at| value_at(values, *at).to_string());
        groups.entry(value).or_default().push(row);
    }
    let report = |(value, rows): (String, Vec<usize>)| {
        let answers = told.answers.take(&rows);
        let metrics = answers.sheets()?.settled(&evaluate.metrics);
        let scores = Scores { rows: rows.len(), of: rows.len(), metrics };
        Ok(SliceReport { column: column.to_owned(), value, scores })
    };
    groups.into_iter().map(report).collect()
}
