//! A program of the user's, from its start to its end: its lines are told as they come, and it ends when it must.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::said::{beginning, masked, plain, split};
use super::supervise::{NOT_ALLOWED, NOT_FOUND};
use crate::source::Fault;
use crate::store::StoreError;

/// The name of the command by which gristmill starts itself as a supervisor.
pub const SUPERVISE: &str = "supervise";

/// How often it is looked whether the program must end.
const LOOK: Duration = Duration::from_millis(20);
/// How long the supervisor takes at least from the end of its program to its own.
const MOMENT: Duration = Duration::from_millis(1);
/// How long the supervisor has to end everything before it is ended itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many of the last lines a failure tells.
const TOLD: usize = 10;
/// How often it is tried to make the log.
const TRIES: usize = 20;
/// How many lines wait to be told before the program waits.
const WAITING: usize = 1 << 10;

/// A program to run.
pub(super) struct Job<'a> {
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    pub(super) folder: &'a Path,
    pub(super) set: Vec<(String, String)>,
    pub(super) unset: Vec<String>,
    /// What must not show.
    pub(super) secrets: Vec<String>,
    /// Where its lines are kept.
    pub(super) log: &'a Path,
}

/// Runs a program to its end. `say` gets every line, `stopped` tells whether it must end.
///
/// # Errors
/// If it can't be started, if it ends with an exit code other than 0, or with `interrupted` if it had to end.
pub(super) fn run(job: &Job, say: &dyn Fn(String), stopped: &dyn Fn() -> bool) -> Result<(), Fault> {
    let mut log = create(job.log)?;
    let mut child = start(job)?;
    let lines = lines(&mut child, &job.secrets);
    let mut last = VecDeque::with_capacity(TOLD);
    loop {
        // One that never stops talking must end as well.
        if stopped() {
            end(child);
            return Err(Fault::new("interrupted", "the run was interrupted"));
        }
        match lines.recv_timeout(LOOK) {
            Ok(line) => {
                let line = masked(&line, &job.secrets);
                writeln!(log, "{line}").map_err(StoreError::io("write", job.log))?;
                let line = plain(&line);
                if last.len() == TOLD {
                    last.pop_front();
                }
                last.push_back(line.clone());
                say(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Both streams are closed: it has ended, or is about to.
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // The supervisor is about to end too: most often in a moment.
    let mut pause = MOMENT;
    while !stopped() {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(job, status.code().unwrap_or(1), &last)),
            Ok(None) => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(LOOK);
            }
            Err(error) => return Err(Fault::new("no-program", "the program was lost").because(error)),
        }
    }
    end(child);
    Err(Fault::new("interrupted", "the run was interrupted"))
}

fn create(path: &Path) -> Result<File, StoreError> {
    let folder = path.parent().unwrap_or(path);
    for _ in 0..TRIES {
        std::fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
        match File::create(path) {
            // Another step has just ended, and taken the empty folder away.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => return other.map_err(StoreError::io("write", path)),
        }
    }
    File::create(path).map_err(StoreError::io("write", path))
}

fn start(job: &Job) -> Result<Child, Fault> {
    let mut command = Command::new(own()?);
    command.arg(SUPERVISE).arg("--").args(&job.command).current_dir(job.folder);
    command.envs(job.set.iter().map(|(name, value)| (name, value)));
    for name in &job.unset {
        command.env_remove(name);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Ctrl-C in a terminal is for gristmill, which then ends its programs in order.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
        .spawn()
        .map_err(|error| Fault::new("no-program", format!("`{}` can't be started", job.command[0])).because(error))
}

/// This program. On Linux the way to it holds also when the file was replaced meanwhile.
fn own() -> Result<std::path::PathBuf, Fault> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe()
        .map_err(|error| Fault::new("no-program", "gristmill doesn't know where its own program is").because(error))
}

/// The lines of both streams, as they come.
fn lines(child: &mut Child, secrets: &[String]) -> Receiver<String> {
    let (sender, lines) = mpsc::sync_channel(WAITING);
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as _),
        child.stderr.take().map(|stream| Box::new(stream) as _),
    ];
    for stream in streams.into_iter().flatten() {
        let sender = sender.clone();
        let secrets = secrets.to_vec();
        std::thread::spawn(move || split(stream, &secrets, &mut |line| sender.send(line).is_ok()));
    }
    lines
}

/// Closes the supervisor's standard input, which ends the program, and waits for it.
fn end(mut child: Child) {
    drop(child.stdin.take());
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    drop(child.kill());
    drop(child.wait());
}

fn failed(job: &Job, code: i32, last: &VecDeque<String>) -> Fault {
    let program = &job.command[0];
    let fault = match code {
        code if code == i32::from(NOT_FOUND) && last.is_empty() => {
            let fault = Fault::new("no-program", format!("there is no program `{program}`"));
            return fault.help("install it, or write the way to it");
        }
        code if code == i32::from(NOT_ALLOWED) && last.is_empty() => {
            let fault = Fault::new("no-program", format!("`{program}` may not be run"));
            return fault.help("is it a program? `chmod +x` makes it one");
        }
        137 => "the program was killed: perhaps there was no memory left".to_owned(),
        code if code > 128 => format!("the program was ended by signal {}", code - 128),
        code => format!("the program ended with exit code {code}"),
    };
    let said: String = last.iter().map(|line| format!("\n  {}", beginning(line))).collect();
    let colon = if said.is_empty() { "" } else { "; it said last:" };
    Fault::new("program-failed", format!("{fault}{colon}{said}"))
        .help(format!("all that it said is in `{}`", job.log.display()))
}
