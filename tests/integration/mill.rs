//! A project in a folder of its own, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

/// A project.
pub struct Mill {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What a run of the program left.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Mill {
    /// An empty project.
    pub fn new() -> Self {
        let mill = Self { folder: TempDir::new().expect("a folder"), environment: Vec::new() };
        mill.file("gristmill.yaml", "");
        mill
    }

    /// The penguins of this repository.
    pub fn penguins() -> Self {
        let mill = Self::new();
        for path in ["pipelines/penguins.yaml", "schemas/penguins.yaml", "data/penguins.csv"] {
            let text =
                fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository");
            mill.file(path, &text);
        }
        mill
    }

    /// A regression with missing values, a group and an id: 120 rows that follow a rule.
    pub fn grades() -> Self {
        let mut table = "id,hours,group,grade\n".to_owned();
        for id in 0..120u32 {
            let hours = f64::from((id * 37) % 101) / 10.0;
            let group = ["a", "b", "c"][(id % 3) as usize];
            let noise = f64::from((id * 53) % 17) / 10.0 - 0.8;
            let grade = 2.0 * hours + f64::from(id % 3) + noise;
            let hours = if id % 20 == 7 { String::new() } else { format!("{hours}") };
            table.push_str(&format!("{id},{hours},{group},{grade:.3}\n"));
        }
        let mill = Self::new();
        mill.file("data/grades.csv", &table).file(
            "pipelines/grades.yaml",
            "name: grades\ntarget: grade\nroles: {id: id}\nsources:\n  grades: {path: data/grades.csv}\nsteps:\n  features:\n    transform: grades\n    ops:\n      - split: {test: 0.25}\n      - fill_missing: {hours: {with: median, indicator: hours_missing}}\n      - one_hot: [group]\n      - standardize: [hours]\n  line: {train: features, model: linear_regression}\n  quality:\n    evaluate: line\n    metrics: [rmse, mae, r2]\n    slices: [group]\n    require: {r2: {min: 0.5}}\n  live: {deploy: quality, as: grade, to: rest}\n",
        );
        mill
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    /// Writes a file.
    pub fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
        self
    }

    /// Changes a file by replacing text that must be in it.
    pub fn edit(&self, path: &str, from: &str, to: &str) -> &Self {
        let text = self.read(path);
        assert!(text.contains(from), "`{from}` isn't in {path}");
        self.file(path, &text.replace(from, to))
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// With an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A command of the program in this project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gristmill"));
        command.current_dir(self.path()).args(arguments).env_remove("GRISTMILL_PARAM_TREES").env("NO_COLOR", "1");
        Self::off_ci(&mut command);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// These tests may run on a machine for CI themselves.
    pub fn off_ci(command: &mut Command) {
        for name in ["GITHUB_ACTIONS", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "GITLAB_CI", "CI_PROJECT_DIR"] {
            command.env_remove(name);
        }
    }

    /// Runs the program.
    pub fn go(&self, arguments: &[&str]) -> Ran {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let ran = Ran { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) };
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        ran
    }

    /// Runs the program, which must end well.
    pub fn fine(&self, arguments: &[&str]) -> Ran {
        let ran = self.go(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}\n{}\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// Runs a pipeline and gives the object that it prints.
    pub fn run(&self, arguments: &[&str]) -> Json {
        let all: Vec<&str> = ["run", "--json"].iter().chain(arguments).copied().collect();
        let ran = self.go(&all);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
    }
}

/// What became of each step of a run.
pub fn outcomes(run: &Json) -> Vec<(String, String)> {
    let steps = run["steps"].as_array().unwrap_or_else(|| panic!("no steps in {run:#}"));
    let text = |value: &Json| value.as_str().expect("text").to_owned();
    let mut found: Vec<_> = steps.iter().map(|step| (text(&step["step"]), text(&step["outcome"]))).collect();
    found.sort();
    found
}

/// The steps of a run that were made.
pub fn made(run: &Json) -> Vec<String> {
    outcomes(run).into_iter().filter(|(_, outcome)| outcome == "ran").map(|(step, _)| step).collect()
}

/// A step of a run.
pub fn step<'a>(run: &'a Json, name: &str) -> &'a Json {
    let steps = run["steps"].as_array().unwrap_or_else(|| panic!("no steps in {run:#}"));
    steps.iter().find(|step| step["step"] == name).expect("the step")
}
