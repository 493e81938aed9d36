//! The same bits on every machine: what a C library does in its own way shows nowhere.

use crate::mill::Mill;

/// glibc takes other code for `exp`, `ln`, `sin` and their kind where the processor lacks what is named here; their last
/// bits differ then, as they do between C libraries. Others pass over it.
const OTHER: (&str, &str) = ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-FMA,-AVX2");

/// Every learner, metric and function whose numbers come from logarithms or powers of e.
const PIPELINE: &str = "\
name: bits
target: species
sources:
  penguins: {path: data/penguins.csv, missing: [NA]}
steps:
  features:
    transform: penguins
    ops:
      - drop_missing: all
      - derive:
          ratio: ln(bill_length_mm / bill_depth_mm)
          wave: sin(flipper_length_mm) + cos(body_mass_g) * exp(bill_depth_mm / 10)
          power: pow(bill_length_mm, 1.7) + log10(body_mass_g) + log1p(year) + expm1(bill_depth_mm / 30)
      - split: {test: 0.25, stratify: species}
      - one_hot: [island, sex]
  bayes: {train: features, model: naive_bayes}
  boosted: {train: features, model: gradient_boosting, with: {n_estimators: 15}}
  tree: {train: features, model: decision_tree, with: {criterion: entropy}, calibrate: sigmoid, cv: 3}
  logistic: {train: features, model: logistic_regression, with: {max_iter: 50}}
  quality:
    evaluate: [bayes, boosted, tree, logistic]
    metrics: [log_loss, accuracy]
    best: log_loss
  live: {deploy: quality, as: bits, to: rest}
";

#[test]
fn the_c_library_decides_no_bit() {
    let locks = [None, Some(OTHER)].map(|environment| {
        let mut mill = Mill::penguins();
        if let Some((name, value)) = environment {
            mill = mill.env(name, value);
        }
        mill.file("pipelines/bits.yaml", PIPELINE);
        assert_eq!(mill.run(&["bits", "--record"])["status"], "done");
        mill.read("pipelines/bits.lock")
    });
    assert_eq!(locks[0], locks[1]);
    // The lock names each object by its content.
    assert!(locks[0].contains("boosted") && locks[0].matches("sha256").count() > 5, "{}", locks[0]);
}
