//! Encoders, words, components and balanced rows in whole pipelines: checked, run, judged, sealed and asked.

use serde_json::{Value as Json, json};

use crate::mill::{Mill, made};

/// 120 shops of 4 towns and 3 kinds, with a review; shops that people love are praised.
fn shops() -> String {
    let mut text = String::from("town,kind,review,size,rent,loved\n");
    for row in 0..120_u32 {
        let draw = row * 7919 % 101;
        let loved = draw % 4 == 0;
        let town = ["Bern", "Genève", "Zürich", "Chur"][(row * 31 % 7 % 4) as usize];
        let kind = if row % 20 == 0 { "kiosk" } else { ["café", "bakery"][(row % 2) as usize] };
        let review = match (loved, row % 3) {
            (true, 0) => "very good food",
            (true, _) => "good, really good",
            (false, 0) => "not so good",
            (false, _) => "bad food and worse coffee",
        };
        let town = if row == 7 { "" } else { town };
        text.push_str(&format!("{town},{kind},\"{review}\",{},{},{loved}\n", draw + 20, draw * 3 + row % 5));
    }
    text
}

fn mill(ops: &str) -> Mill {
    let mill = Mill::new();
    mill.file("data/shops.csv", &shops());
    let pipeline = format!(
        "name: shops\ntarget: loved\nsources: {{shops: {{path: data/shops.csv, columns: {{review: text}}}}}}\nsteps:\n  \
         features:\n    transform: shops\n    ops:\n      - split: {{test: 0.25, stratify: loved}}\n{ops}  \
         trees: {{train: features, model: random_forest, with: {{n_estimators: 20}}, cv: 3}}\n  \
         quality: {{evaluate: [trees], metrics: [accuracy]}}\n  live: {{deploy: trees, as: shops, to: rest}}\n"
    );
    mill.file("pipelines/shops.yaml", &pipeline);
    mill
}

const OPS: &str = "      - group_rare: {kind: {min_share: 0.1}}
      - target_encode: {columns: [town], smoothing: 5, folds: 3}
      - count_encode: [kind]
      - text: {review: {tfidf: {max: 30, ngrams: [1, 2]}}}
      - standardize: [size, rent]
      - pca: {columns: [size, rent], components: 1}
      - balance: loved
";

#[test]
fn a_pipeline_of_encoders_is_checked_run_and_asked() {
    let mill = mill(OPS);
    mill.fine(&["check", "shops"]);
    let ran = mill.run(&["shops"]);
    let score =
        ran["metrics"]["quality"]["trees"]["accuracy"].as_f64().unwrap_or_else(|| panic!("no score in {ran:#}"));
    assert!(score > 0.9, "{score}");
    assert!(made(&mill.run(&["shops"])).is_empty());
    // What no train row has, and what is missing, has an answer too.
    let asked = "town,kind,review,size,rent\nBern,café,\"good, really good\",60,120\n,shed,unheard-of words,60,120\n";
    mill.file("ask.csv", asked);
    let answered = mill.fine(&["predict", "shops", "--in", "ask.csv"]).stdout;
    assert_eq!(answered.lines().count(), 3, "{answered}");
}

#[test]
fn balanced_rows_are_those_of_the_train_part_alone() {
    let mill = mill(OPS);
    mill.run(&["shops/features"]);
    let shown: Json = serde_json::from_str(&mill.fine(&["show", "features", "--json"]).stdout).expect("JSON");
    let rows = |part: &str| {
        let parts = shown["parts"].as_array().unwrap_or_else(|| panic!("no parts in {shown:#}"));
        parts.iter().find(|own| own["part"] == part).expect("the part")["rows"].as_u64().expect("a number")
    };
    assert_eq!(rows("test"), 30);
    assert!(rows("train") > 90, "{shown}");
    assert_eq!(shown["dropped"].as_array().expect("ops").last(), Some(&json!(["balance", 90 - rows("train") as i64])));
}

#[test]
fn rows_are_not_repeated_before_a_split() {
    let mill = mill("");
    mill.edit("pipelines/shops.yaml", "      - split", "      - balance: loved\n      - split");
    let checked = mill.go(&["check", "shops"]);
    assert_eq!(checked.code, 2);
    assert!(checked.stderr.contains("`balance` stands before the split"), "{}", checked.stderr);
    assert!(checked.stderr.contains("put `balance` behind `split`"), "{}", checked.stderr);
}

#[test]
fn a_missing_number_among_those_of_components_is_told_with_advice() {
    let mill = mill("      - drop: [review]\n      - pca: [size, rent]\n");
    mill.edit("data/shops.csv", ",20,", ",,");
    let ran = mill.go(&["run", "shops/features"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("fill_missing: {size: median}"), "{}", ran.stderr);
}
