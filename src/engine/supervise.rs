//! The process between gristmill and a program of the user's: it sees to it that nothing which the program starts
//! outlives gristmill, even if gristmill is killed.
//!
//! gristmill starts itself anew as the supervisor and holds the other end of its standard input. Whatever ends gristmill
//! closes that end; then the supervisor ends the program's process group and all that descends from it.

use std::ffi::OsString;
use std::process::ExitCode;

/// The exit code of a shell for a program that may not be started.
pub const NOT_ALLOWED: u8 = 126;
/// The exit code of a shell for a program that isn't there.
pub const NOT_FOUND: u8 = 127;

/// Runs a program until it ends or standard input is closed. Gives its exit code, or 128 and the signal that killed it.
#[cfg(unix)]
pub fn supervise(command: &[OsString]) -> ExitCode {
    unix::supervise(command)
}

/// Runs a program until it ends.
#[cfg(not(unix))]
pub fn supervise(command: &[OsString]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else { return ExitCode::from(NOT_FOUND) };
    let ended = std::process::Command::new(program).args(arguments).stdin(std::process::Stdio::null()).status();
    ended.map_or(ExitCode::from(NOT_FOUND), |status| {
        ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    })
}

#[cfg(unix)]
mod unix {
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::io::{ErrorKind, Read};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, ExitCode, Stdio};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, wait};

    use super::{NOT_ALLOWED, NOT_FOUND};

    /// How long a program that is told to end may take.
    const GRACE: Duration = Duration::from_millis(400);
    /// How often it is looked for what is left.
    const ROUNDS: usize = 50;

    pub(super) fn supervise(command: &[OsString]) -> ExitCode {
        // What loses its parent becomes a child of this process, and so can be found.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::set_child_subreaper(Some(getpid()));
        let Some((program, arguments)) = command.split_first() else { return ExitCode::from(NOT_FOUND) };
        let started = Command::new(program).args(arguments).stdin(Stdio::null()).process_group(0).spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => return ExitCode::from(NOT_FOUND),
            Err(_) => return ExitCode::from(NOT_ALLOWED),
        };
        let group = Pid::from_child(&child);
        std::thread::spawn(move || {
            // Nothing is ever written to it: reading ends when its other end is closed.
            drop(std::io::stdin().read_to_end(&mut Vec::new()));
            let _ = kill_process_group(group, Signal::TERM);
            std::thread::sleep(GRACE);
            end_all(group);
        });
        let status = child.wait();
        end_all(group);
        let code = status.map(|status| status.code().or_else(|| status.signal().map(|signal| 128 + signal)));
        ExitCode::from(code.ok().flatten().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }

    /// Ends the program's group and everything that descends from this process.
    fn end_all(group: Pid) {
        let _ = kill_process_group(group, Signal::KILL);
        for _ in 0..ROUNDS {
            let left = descendants();
            if left.is_empty() {
                return;
            }
            for process in left {
                let _ = kill_process(process, Signal::KILL);
            }
            while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// All processes that descend from this one, told by `/proc`; none where there is no such folder.
    fn descendants() -> Vec<Pid> {
        let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            if let Some(parent) = parent(process) {
                children.entry(parent).or_default().push(process);
            }
        }
        let mut found = Vec::new();
        let mut next = vec![getpid().as_raw_nonzero().get()];
        while let Some(process) = next.pop() {
            for child in children.remove(&process).unwrap_or_default() {
                found.extend(Pid::from_raw(child));
                next.push(child);
            }
        }
        found
    }

    /// The parent of a process that hasn't ended. `/proc/PID/stat`: `1 (name) S 0 …`, and a name may hold brackets.
    fn parent(process: i32) -> Option<i32> {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        (state != "Z").then_some(parent)
    }
}
