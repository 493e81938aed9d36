//! Support vector machines: similarities with all vectors, decisions between pairs of classes, votes.

use super::super::builder::{Builder, Name, doubles, int, ints};
use super::Table;
use crate::learn::onnx::proto::element;
use crate::learn::{Duels, Kernel, Machine, Votes};

/// A machine with a kernel.
pub(super) fn machine(of: &Machine, table: &Table, builder: &mut Builder) -> Name {
    let (columns, vectors) = (of.means.len(), of.squares.len());
    let means = builder.tensor(doubles(&[1, columns], &of.means));
    let centered = builder.op("Sub", &[&table.all, &means]);
    let turned: Vec<f64> =
        (0..columns).flat_map(|column| (0..vectors).map(move |nth| of.vectors[nth * columns + column])).collect();
    let turned = builder.tensor(doubles(&[columns, vectors], &turned));
    let products = builder.op("MatMul", &[&centered, &turned]);
    let alike = kernel(of, &centered, &products, builder);
    let Some(voting) = &of.voting else {
        return decisions(&alike, &of.coefficients, vectors, &of.intercepts, builder);
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
pub(super) fn duels(of: &Duels, table: &Table, builder: &mut Builder) -> Name {
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
fn votes(of: &Votes, told: &str, table: &Table, builder: &mut Builder) -> Name {
    let classes = of.present.len();
    if classes == 2 {
        let slope = builder.float(of.slopes.first().copied().unwrap_or(1.0));
        let odds = builder.op("Mul", &[told, &slope]);
        return builder.odds(&odds, &of.present, of.count, table);
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
    let shares = if of.slopes.is_empty() {
        let signs = builder.tensor(matrix(-1.0, 1.0));
        let sums = builder.op("MatMul", &[told, &signs]);
        ranked(&votes, &sums, builder)
    } else {
        coupled(&of.slopes, told, classes, builder)
    };
    let crowned = crown(&votes, &shares, classes, builder);
    builder.spread(&crowned, &of.present, of.count, table)
}

/// e^(votes + s / (3·(|s| + 1))), brought to a sum of 1: among equals the clearer one.
fn ranked(votes: &str, sums: &str, builder: &mut Builder) -> Name {
    let (one, three) = (builder.float(1.0), builder.float(3.0));
    let size = builder.op("Abs", &[sums]);
    let more = builder.op("Add", &[&size, &one]);
    let more = builder.op("Mul", &[&more, &three]);
    let clear = builder.op("Div", &[sums, &more]);
    let ranks = builder.op("Add", &[votes, &clear]);
    builder.op_with("Softmax", &[&ranks], vec![int("axis", 1)])
}

/// The probabilities of pairs made those of classes: for each row the linear system that they solve, by elimination.
fn coupled(slopes: &[f64], told: &str, classes: usize, builder: &mut Builder) -> Name {
    let system = system(slopes, told, classes, builder);
    let solved = (0..classes).fold(system, |system, at| eliminated(&system, at, classes, builder));
    let (right, last) = (builder.tensor(ints(&[], &[classes as i64])), vec![int("axis", 2)]);
    let found = builder.op_with("Gather", &[&solved, &right], last);
    let zero = builder.float(0.0);
    let found = builder.op("Max", &[&found, &zero]);
    let along = builder.tensor(ints(&[1], &[1]));
    let total = builder.op("ReduceSum", &[&found, &along]);
    builder.op("Div", &[&found, &total])
}

/// `[rows, classes, classes + 1]`: the matrix Q + 1, and 1 on the right-hand side.
fn system(slopes: &[f64], told: &str, classes: usize, builder: &mut Builder) -> Name {
    let pairs = slopes.len();
    let slopes = builder.tensor(doubles(&[1, pairs], slopes));
    let odds = builder.op("Mul", &[told, &slopes]);
    let sure = builder.op("Sigmoid", &[&odds]);
    let (least, most, one) =
        (builder.float(Votes::LEAST_SURE), builder.float(1.0 - Votes::LEAST_SURE), builder.float(1.0));
    let sure = builder.op("Max", &[&sure, &least]);
    let second = builder.op("Min", &[&sure, &most]);
    let first = builder.op("Sub", &[&one, &second]);
    let product = builder.op("Mul", &[&second, &first]);
    let beside = builder.op("Neg", &[&product]);
    // Of each class the squares of what the others are told to be.
    let mut into = vec![0.0; 2 * pairs * classes];
    let mut places = vec![(pairs + classes) as i64; classes * (classes + 1)];
    for (pair, (first, second)) in each_pair(classes).enumerate() {
        into[pair * classes + first] = 1.0;
        into[(pairs + pair) * classes + second] = 1.0;
        places[first * (classes + 1) + second] = pair as i64;
        places[second * (classes + 1) + first] = pair as i64;
    }
    for class in 0..classes {
        places[class * (classes + 1) + class] = (pairs + class) as i64;
    }
    let axis = || vec![int("axis", 1)];
    let sides = builder.op_with("Concat", &[&second, &first], axis());
    let squares = builder.op("Mul", &[&sides, &sides]);
    let into = builder.tensor(doubles(&[2 * pairs, classes], &into));
    let own = builder.op("MatMul", &[&squares, &into]);
    let start = builder.tensor(ints(&[1], &[0]));
    let some = builder.op_with("Gather", &[&own, &start], axis());
    let nothing = builder.op("Sub", &[&some, &some]);
    let parts = builder.op_with("Concat", &[&beside, &own, &nothing], axis());
    let places = builder.tensor(ints(&[classes, classes + 1], &places));
    let system = builder.op_with("Gather", &[&parts, &places], axis());
    builder.op("Add", &[&system, &one])
}

/// The system with one class' column made that of the identity.
fn eliminated(system: &str, at: usize, classes: usize, builder: &mut Builder) -> Name {
    let place = builder.tensor(ints(&[1], &[at as i64]));
    let pick = |from: &str, axis: i64, builder: &mut Builder| {
        builder.op_with("Gather", &[from, &place], vec![int("axis", axis)])
    };
    let row = pick(system, 1, builder);
    let pivot = pick(&row, 2, builder);
    let row = builder.op("Div", &[&row, &pivot]);
    let column = pick(system, 2, builder);
    // What is taken from the own row leaves the divided one.
    let own: Vec<f64> = (0..classes).map(|class| f64::from(u8::from(class == at))).collect();
    let own = builder.tensor(doubles(&[1, classes, 1], &own));
    let factors = builder.op("Sub", &[&column, &own]);
    let taken = builder.op("Mul", &[&factors, &row]);
    builder.op("Sub", &[system, &taken])
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
