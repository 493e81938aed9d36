//! The reference page of the commands, from the commands themselves.

use clap::{Command, CommandFactory};

use super::Cli;

/// The page's name and text.
pub fn reference() -> (&'static str, String) {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut text = "# Commands\n\n<!-- Generated from the program; don't edit. -->\n\nResults go to stdout, everything else to stderr. `NO_COLOR` is honoured.\n\n\
        | exit code | meaning |\n| --- | --- |\n| 0 | done |\n| 1 | a step failed |\n| 2 | the pipeline or the command line is wrong |\n| 3 | a gate failed |\n| 4 | `--locked`, and the result would differ |\n\
        | 5 | the environment is at fault: disk, network, permission |\n| 6 | data broke its contract |\n| 130 | interrupted |\n"
        .to_owned();
    for command in root.get_subcommands_mut() {
        if command.get_name() != "help" && !command.is_hide_set() {
            page(command, &mut text);
        }
    }
    ("commands.md", text)
}

fn page(command: &mut Command, text: &mut String) {
    let name = command.get_name().to_owned();
    let help = command.render_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim()));
}
