//! What every fit asks of its rows first, so that no solver meets what it can't take.

use super::nature::Nature;
use super::{Model, Target, Task, Training};
use crate::source::Fault;

/// The faults of the data that the model can't learn from.
pub(super) fn training<M: Model>(data: &Training) -> Result<(), Fault> {
    if !M::TASKS.contains(&data.y.task()) {
        return Err(wrong_task(M::NAME, data.y.task()));
    }
    rows(data)?;
    if M::FEATURES && data.x.columns() == 0 {
        return Err(Fault::new("no-features", format!("`{}` has no features to learn from", M::NAME))
            .help("give `features` at least one column besides the target"));
    }
    categories::<M>(data)?;
    finite(data, M::MISSING)?;
    weights(data)?;
    match data.y {
        Target::Classes { codes, count } if M::FEATURES => classes(data, M::NAME, codes, *count),
        Target::Classes { codes, count } => in_range(codes, *count),
        Target::Numbers(_) => Ok(()),
    }
}

/// Categories reach only models that take them.
fn categories<M: Model>(data: &Training) -> Result<(), Fault> {
    let place = (0..data.x.columns()).find(|&column| data.x.levels(column).is_some());
    match place.filter(|_| M::FEATURES && !M::CATEGORIES) {
        Some(place) => {
            let name = &data.x.names()[place];
            let message = format!("`{}` learns from numbers, and the feature `{name}` is a category", M::NAME);
            Err(Fault::new("wrong-type", message).help(format!("put `one_hot: [{name}]` before")))
        }
        None => Ok(()),
    }
}

/// The fault of a model that can't do the task at hand.
pub(super) fn wrong_task(name: &str, task: Task) -> Fault {
    let other = match task {
        Task::Classification => "the target has classes",
        Task::Regression => "the target has numbers",
    };
    let help = match task {
        Task::Classification => "take a classifier, as `logistic_regression` or `random_forest`",
        Task::Regression => {
            "take a regression, as `linear_regression` or `random_forest`, or say `task: classification`"
        }
    };
    Fault::new("wrong-task", format!("`{name}` does no {}: {other}", task.name())).help(help)
}

fn rows(data: &Training) -> Result<(), Fault> {
    let rows = data.x.rows();
    if data.y.rows() != rows || data.weights.is_some_and(|weights| weights.len() != rows) {
        return Err(Fault::new("rows-differ", format!("{rows} rows of features, but {} answers", data.y.rows())));
    }
    if rows == 0 {
        return Err(Fault::new("no-rows", "there are no rows to learn from")
            .help("the ops before have dropped them all, or the train part is empty"));
    }
    Ok(())
}

fn finite(data: &Training, missing: bool) -> Result<(), Fault> {
    let fits = |value: &f64| value.is_finite() || (missing && value.is_nan());
    for (index, name) in data.x.names().iter().enumerate() {
        if let Some(row) = data.x.column(index).iter().position(|value| !fits(value)) {
            return Err(Fault::new("not-finite", format!("feature `{name}` is no finite number in row {}", row + 1))
                .help("fill or drop missing values before training"));
        }
    }
    if let Target::Numbers(numbers) = data.y
        && let Some(row) = numbers.iter().position(|value| !value.is_finite())
    {
        return Err(Fault::new("not-finite", format!("the target is no finite number in row {}", row + 1)));
    }
    Ok(())
}

fn weights(data: &Training) -> Result<(), Fault> {
    let Some(weights) = data.weights else {
        return Ok(());
    };
    if let Some(row) = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        return Err(Fault::new("bad-weight", format!("the weight of row {} is {}", row + 1, weights[row]))
            .help("weights are numbers of at least 0"));
    }
    if weights.iter().all(|weight| *weight == 0.0) {
        return Err(Fault::new("bad-weight", "every row has weight 0"));
    }
    Ok(())
}

/// The fault of a feature whose numbers are so large that their squares overflow.
pub(super) fn spread(data: &Training, natures: &[Nature]) -> Result<(), Fault> {
    let mut named = data.x.names().iter().zip(natures);
    match named.find(|(_, nature)| !(nature.mean.is_finite() && nature.deviation.is_finite())) {
        Some((name, _)) => Err(Fault::new(
            "numbers-too-large",
            format!("feature `{name}` has numbers so large that their spread is not finite"),
        )
        .help("scale or clip it first")),
        None => Ok(()),
    }
}

fn in_range(codes: &[u32], count: usize) -> Result<(), Fault> {
    match codes.iter().find(|&&code| code as usize >= count) {
        Some(code) => Err(Fault::new("unknown-class", format!("class {code} of only {count} classes"))),
        None => Ok(()),
    }
}

/// With more classes than that, a target is hardly a class, and what a model keeps of each grows out of hand.
const MOST_CLASSES: usize = 1000;

fn classes(data: &Training, name: &str, codes: &[u32], count: usize) -> Result<(), Fault> {
    in_range(codes, count)?;
    if count > MOST_CLASSES {
        let message = format!("the target has {count} classes, and `{name}` learns {MOST_CLASSES} at most");
        return Err(Fault::new("many-classes", message)
            .help("is it an id or a number? Say `task: regression`, or group rare classes before"));
    }
    let mut seen = vec![false; count];
    for (row, &code) in codes.iter().enumerate() {
        seen[code as usize] |= data.weight(row) > 0.0;
    }
    if seen.iter().filter(|&&seen| seen).count() < 2 {
        return Err(Fault::new(
            "one-class",
            format!("`{name}` needs rows of at least 2 classes to learn from, and these have only one"),
        )
        .help("look at the target, and at what the ops before have dropped"));
    }
    Ok(())
}
