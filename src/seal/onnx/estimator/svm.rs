//! Support vector machines: similarities with all vectors, decisions between pairs of classes, votes.

use super::super::builder::{Builder, Name, doubles, int, ints};
use super::Table;
use crate::learn::onnx::proto::element;
use crate::learn::{Duels, Kernel, Machine, Votes};

/// A machine with a kernel.
///
/// # Errors
/// If its probabilities are coupled by iteration.
pub(super) fn machine(of: &Machine, table: &Table, builder: &mut Builder) -> Result<Name, String> {
    let (columns, vectors) = (of.means.len(), of.squares.len());
    let means = builder.tensor(doubles(&[1, columns], &of.means));
    let centered = builder.op("Sub", &[&table.all, &means]);
    let turned: Vec<f64> =
        (0..columns).flat_map(|column| (0..vectors).map(move |nth| of.vectors[nth * columns + column])).collect();
    let turned = builder.tensor(doubles(&[columns, vectors], &turned));
    let products = builder.op("MatMul", &[&centered, &turned]);
    let alike = kernel(of, &centered, &products, builder);
    let Some(voting) = &of.voting else {
        return Ok(decisions(&alike, &of.coefficients, vectors, &of.intercepts, builder));
    };
    let (classes, starts) = (voting.votes.present.len(), &voting.starts);
    let width = classes - 1;
    let pairs = of.intercepts.len();
    let mut weights = vec![0.0; vectors * pairs];
    for (pair, (first, second)) in each_pair(classes).enumerate() {
        for (class, against) in [(first, second - 1), (second, first)] {
            for nth in starts[class]..starts[class + 1] {
                weights[nth * pairs + pair] = of.coefficients[nth * width + against];
            }
        }
    }
    let told = decisions(&alike, &weights, vectors, &of.intercepts, builder);
    votes(&voting.votes, &told, table, builder)
}

/// Weighted sums that decide between each two classes.
///
/// # Errors
/// As `machine`.
pub(super) fn duels(of: &Duels, table: &Table, builder: &mut Builder) -> Result<Name, String> {
    let told = builder.sums(&of.coefficients, &of.intercepts, table);
    votes(&of.votes, &told, table, builder)
}

fn each_pair(classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).flat_map(move |first| (first + 1..classes).map(move |second| (first, second)))
}

/// `weights` holds for each vector one a decision.
fn decisions(alike: &str, weights: &[f64], vectors: usize, intercepts: &[f64], builder: &mut Builder) -> Name {
    let weights = builder.tensor(doubles(&[vectors, intercepts.len()], weights));
    let product = builder.op("MatMul", &[alike, &weights]);
    let plus = builder.tensor(doubles(&[1, intercepts.len()], intercepts));
    builder.op("Add", &[&product, &plus])
}

fn kernel(of: &Machine, centered: &str, products: &str, builder: &mut Builder) -> Name {
    let line = |gamma: f64, plus: f64, builder: &mut Builder| {
        let (gamma, plus) = (builder.float(gamma), builder.float(plus));
        let scaled = builder.op("Mul", &[products, &gamma]);
        builder.op("Add", &[&scaled, &plus])
    };
    match of.kernel {
        Kernel::Linear => products.to_owned(),
        Kernel::Rbf { gamma } => {
            let along = builder.tensor(ints(&[1], &[1]));
            let squares = builder.op("Mul", &[centered, centered]);
            let own = builder.op("ReduceSum", &[&squares, &along]);
            let others = builder.tensor(doubles(&[1, of.squares.len()], &of.squares));
            let sum = builder.op("Add", &[&own, &others]);
            let two = builder.float(2.0);
            let twice = builder.op("Mul", &[products, &two]);
            let apart = builder.op("Sub", &[&sum, &twice]);
            let zero = builder.float(0.0);
            let apart = builder.op("Max", &[&apart, &zero]);
            let gamma = builder.float(-gamma);
            let scaled = builder.op("Mul", &[&apart, &gamma]);
            builder.op("Exp", &[&scaled])
        }
        Kernel::Poly { gamma, coef0, degree } => {
            let line = line(gamma, coef0, builder);
            let degree = builder.float(f64::from(degree));
            builder.op("Pow", &[&line, &degree])
        }
        Kernel::Sigmoid { gamma, coef0 } => {
            let line = line(gamma, coef0, builder);
            builder.op("Tanh", &[&line])
        }
    }
}

/// Each class' share by the decisions between pairs; the largest is that of the class with most votes.
fn votes(of: &Votes, told: &str, table: &Table, builder: &mut Builder) -> Result<Name, String> {
    let classes = of.present.len();
    if classes == 2 {
        let slope = builder.float(of.slopes.first().copied().unwrap_or(1.0));
        let odds = builder.op("Mul", &[told, &slope]);
        return Ok(builder.odds(&odds, &of.present, of.count, table));
    }
    if !of.slopes.is_empty() {
        return Err("the probabilities of more than two classes are found step by step; without `probability` it goes"
            .to_owned());
    }
    let pairs = classes * (classes - 1) / 2;
    let matrix = |first_value: f64, second_value: f64| {
        let mut values = vec![0.0; pairs * classes];
        for (pair, (first, second)) in each_pair(classes).enumerate() {
            values[pair * classes + first] = first_value;
            values[pair * classes + second] = second_value;
        }
        doubles(&[pairs, classes], &values)
    };
    let zero = builder.float(0.0);
    let is_second = builder.op("Greater", &[told, &zero]);
    let is_first = builder.op("Not", &[&is_second]);
    let (second, first) = (builder.cast(&is_second, element::DOUBLE), builder.cast(&is_first, element::DOUBLE));
    let (to_second, to_first) = (builder.tensor(matrix(0.0, 1.0)), builder.tensor(matrix(1.0, 0.0)));
    let (second, first) = (builder.op("MatMul", &[&second, &to_second]), builder.op("MatMul", &[&first, &to_first]));
    let votes = builder.op("Add", &[&second, &first]);
    let signs = builder.tensor(matrix(-1.0, 1.0));
    let sums = builder.op("MatMul", &[told, &signs]);
    // votes - most + s / (3·(|s| + 1)): among equals the clearer one.
    let (one, three) = (builder.float(1.0), builder.float(3.0));
    let size = builder.op("Abs", &[&sums]);
    let more = builder.op("Add", &[&size, &one]);
    let more = builder.op("Mul", &[&more, &three]);
    let clear = builder.op("Div", &[&sums, &more]);
    let ranks = builder.op("Add", &[&votes, &clear]);
    let shares = builder.op_with("Softmax", &[&ranks], vec![int("axis", 1)]);
    let crowned = crown(&votes, &shares, classes, builder);
    Ok(builder.spread(&crowned, &of.present, of.count, table))
}

/// Where another class than the one with most votes has the largest share, the two change places.
fn crown(votes: &str, shares: &str, classes: usize, builder: &mut Builder) -> Name {
    let axis = || vec![int("axis", 1)];
    let (winner, top) = (builder.op_with("ArgMax", &[votes], axis()), builder.op_with("ArgMax", &[shares], axis()));
    let places: Vec<i64> = (0..classes as i64).collect();
    let places = builder.tensor(ints(&[1, classes], &places));
    let (is_winner, is_top) = (builder.op("Equal", &[&places, &winner]), builder.op("Equal", &[&places, &top]));
    let zero = builder.float(0.0);
    let along = builder.tensor(ints(&[1], &[1]));
    let of = |is: &str, builder: &mut Builder| {
        let own = builder.op("Where", &[is, shares, &zero]);
        builder.op("ReduceSum", &[&own, &along])
    };
    let (of_winner, of_top) = (of(&is_winner, builder), of(&is_top, builder));
    let lower = builder.op("Where", &[&is_top, &of_winner, shares]);
    builder.op("Where", &[&is_winner, &of_top, &lower])
}
