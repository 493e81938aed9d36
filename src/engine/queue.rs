//! The queue of steps that are ready, worked off by threads within what a run may take.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use super::event::{Event, Outcome, StepEnd};
use super::outcome::{Payload, StepDone};
use super::run::{Env, RunCx, RunResult, RunStatus, step};
use crate::plan::Plan;
use crate::source::Fault;
use crate::spec::Limits;

/// How often it is looked whether the run was told to stop.
const LOOK: Duration = Duration::from_millis(20);
/// How many events wait to be told before the steps wait: a program may say more than a terminal shows.
const WAITING: usize = 1 << 10;
/// How long events are gathered.
const HANDFUL: Duration = Duration::from_millis(1);
/// How long to wait before the first further try of a step; each next wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Queue {
    ready: BTreeSet<usize>,
    /// How many of the steps that it works on aren't done yet.
    waiting: BTreeMap<usize, usize>,
    running: BTreeMap<usize, Share>,
    /// Whether nothing new begins.
    failed: bool,
    ends: BTreeMap<usize, StepEnd>,
    faults: Vec<(usize, Fault)>,
}

/// What a step takes while it runs.
#[derive(Clone, Copy)]
struct Share {
    cpu: usize,
    memory: u64,
}

/// What steps may take together.
struct Room {
    cpu: usize,
    memory: u64,
}

impl Room {
    /// No step is so large that it could never run.
    fn share(&self, limits: &Limits) -> Share {
        let cpu = limits.cpu.map_or(1, |cpu| cpu as usize).clamp(1, self.cpu);
        Share { cpu, memory: limits.memory.map_or(0, |memory| memory.0).min(self.memory) }
    }

    fn fits(&self, share: Share, running: &BTreeMap<usize, Share>) -> bool {
        let cpu: usize = running.values().map(|share| share.cpu).sum();
        let memory: u64 = running.values().map(|share| share.memory).sum();
        cpu + share.cpu <= self.cpu && memory.saturating_add(share.memory) <= self.memory
    }
}

/// One run of the queue.
struct Work<'a> {
    cx: &'a RunCx<'a>,
    room: Room,
    keep_going: bool,
    /// Which steps work on each step.
    users: BTreeMap<usize, Vec<usize>>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// Runs the steps of `plan` at `places`, and those that they need are among them. Events come one by one, in one thread.
pub fn execute(plan: &Plan, places: &[usize], env: &Env, listen: &mut dyn FnMut(Event)) -> RunResult {
    let (events, inbox) = mpsc::sync_channel(WAITING);
    let cx = RunCx::new(plan, env, events, false);
    let (queue, users) = filled(plan, places);
    for end in queue.ends.values() {
        listen(Event::Ended(end.clone()));
    }
    let jobs = env.jobs.max(1);
    let work = Work {
        cx: &cx,
        room: Room { cpu: jobs, memory: env.memory },
        keep_going: env.keep_going,
        users,
        queue: Mutex::new(queue),
        changed: Condvar::new(),
    };
    std::thread::scope(|scope| {
        let threads = jobs.clamp(1, places.len().max(1));
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work.run())).collect();
        loop {
            match inbox.recv_timeout(LOOK) {
                Ok(event) => {
                    listen(event);
                    // Where they come thick and fast, as from steps that are kept, they are taken by the handful.
                    inbox.try_iter().for_each(&mut *listen);
                    std::thread::sleep(HANDFUL);
                }
                Err(RecvTimeoutError::Timeout) if workers.iter().any(|worker| !worker.is_finished()) => {}
                Err(_) => break,
            }
        }
    });
    while let Ok(event) = inbox.try_recv() {
        listen(event);
    }
    let queue = work.queue.into_inner().expect("no holder panicked");
    finish(plan, places, cx, queue, listen)
}

/// The steps that wait for others or for nothing; those that are no part of this run have ended.
fn filled(plan: &Plan, places: &[usize]) -> (Queue, BTreeMap<usize, Vec<usize>>) {
    let mut users: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut queue = Queue::default();
    for place in places {
        let step = &plan.steps[*place];
        if let Some(reason) = &step.off {
            queue.ends.insert(*place, without_work(&step.name, Outcome::Skipped, reason));
            continue;
        }
        let needs = plan.needs(*place);
        if needs.is_empty() {
            queue.ready.insert(*place);
        } else {
            queue.waiting.insert(*place, needs.len());
        }
        for need in needs {
            users.entry(need).or_default().push(*place);
        }
    }
    (queue, users)
}

impl Work<'_> {
    /// What each thread does.
    fn run(&self) {
        let mut queue = self.lock();
        loop {
            if self.is_over(&queue) {
                self.changed.notify_all();
                return;
            }
            let Some((place, share)) = self.next(&queue) else {
                queue = self.changed.wait_timeout(queue, LOOK).expect("no holder panicked").0;
                continue;
            };
            queue.ready.remove(&place);
            queue.running.insert(place, share);
            drop(queue);
            let began = Instant::now();
            let result = self.tries(place);
            let seconds = began.elapsed().as_secs_f64();
            queue = self.lock();
            queue.running.remove(&place);
            let end = match result {
                Ok(done) => self.done(&mut queue, place, done, seconds),
                Err(fault) => self.failed(&mut queue, place, fault, seconds),
            };
            self.cx.tell(Event::Ended(end.clone()));
            queue.ends.insert(place, end);
            // One is taken by this thread; others are woken only if there is something for them.
            if queue.ready.len() > 1 || self.is_over(&queue) {
                self.changed.notify_all();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no holder panicked")
    }

    /// Whether nothing runs and nothing will.
    fn is_over(&self, queue: &Queue) -> bool {
        queue.running.is_empty() && (queue.ready.is_empty() || queue.failed || self.cx.stopped())
    }

    /// The first step that is ready and for which there is room.
    fn next(&self, queue: &Queue) -> Option<(usize, Share)> {
        if queue.failed || self.cx.stopped() {
            return None;
        }
        let shares = queue.ready.iter().map(|place| (*place, self.room.share(&self.cx.plan.steps[*place].limits)));
        let mut fitting = shares.filter(|(_, share)| self.room.fits(*share, &queue.running));
        fitting.next()
    }

    /// A step, as often as its `retries` allow.
    fn tries(&self, place: usize) -> Result<StepDone, Fault> {
        let retries = self.cx.plan.steps[place].limits.retries;
        let mut wait = FIRST_WAIT;
        for attempt in 1..=retries {
            match self.once(place) {
                Err(fault) if !self.cx.stopped() && may_go_away(&fault) => {
                    let step = self.cx.plan.steps[place].name.clone();
                    self.cx.tell(Event::Retrying { step, attempt, of: retries, wait, fault });
                    self.sleep(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                other => return other,
            }
        }
        self.once(place)
    }

    fn once(&self, place: usize) -> Result<StepDone, Fault> {
        if self.cx.stopped() {
            return Err(Fault::new("interrupted", "the run was interrupted"));
        }
        // A slip of gristmill's own in one step must not take the others with it.
        catch_unwind(AssertUnwindSafe(|| step(self.cx, place))).unwrap_or_else(|cause| Err(bug(&*cause)))
    }

    fn sleep(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while Instant::now() < until && !self.cx.stopped() {
            std::thread::sleep(LOOK);
        }
    }

    fn done(&self, queue: &mut Queue, place: usize, done: StepDone, seconds: f64) -> StepEnd {
        let end = ended(&self.cx.plan.steps[place].name, &done, seconds);
        let waits = done.surprises().is_some();
        self.cx.finish(place, done);
        if waits {
            return end;
        }
        for user in self.users.get(&place).into_iter().flatten() {
            // One that was skipped waits no more.
            let Some(left) = queue.waiting.get_mut(user) else { continue };
            *left -= 1;
            if *left == 0 {
                queue.waiting.remove(user);
                queue.ready.insert(*user);
            }
        }
        end
    }

    fn failed(&self, queue: &mut Queue, place: usize, fault: Fault, seconds: f64) -> StepEnd {
        let name = &self.cx.plan.steps[place].name;
        let interrupted = fault.code == "interrupted";
        let outcome = if interrupted { Outcome::Skipped } else { Outcome::Failed };
        // All of it is told with its place.
        let reason = fault.message.lines().next().unwrap_or_default();
        let end = StepEnd { seconds, ..without_work(name, outcome, reason) };
        if self.keep_going {
            self.skip_users(queue, place);
        } else {
            queue.failed = true;
        }
        queue.faults.push((place, fault));
        end
    }

    /// Everything that needs a step that failed.
    fn skip_users(&self, queue: &mut Queue, place: usize) {
        let mut without = vec![place];
        while let Some(place) = without.pop() {
            let what = if queue.ends.contains_key(&place) { "was skipped" } else { "failed" };
            let reason = format!("`{}` {what}", self.cx.plan.steps[place].name);
            for user in self.users.get(&place).into_iter().flatten() {
                if queue.waiting.remove(user).is_some() {
                    let end = without_work(&self.cx.plan.steps[*user].name, Outcome::Skipped, &reason);
                    self.cx.tell(Event::Ended(end.clone()));
                    queue.ends.insert(*user, end);
                    without.push(*user);
                }
            }
        }
    }
}

/// Whether trying again may help: data that broke its contract stays as it is, and a source that changed is looked at anew
/// only by another run.
fn may_go_away(fault: &Fault) -> bool {
    !matches!(fault.code, "contract" | "interrupted" | "lost-object" | "not-made" | "source-changed")
}

fn bug(cause: &(dyn std::any::Any + Send)) -> Fault {
    let said = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_default();
    Fault::new("bug", format!("gristmill made a mistake of its own here: {said}"))
        .help("please report it with the pipeline and this message; other steps are not touched by it")
}

fn without_work(name: &str, outcome: Outcome, reason: &str) -> StepEnd {
    StepEnd {
        step: name.to_owned(),
        outcome,
        reason: reason.to_owned(),
        key: None,
        seconds: 0.0,
        outputs: BTreeMap::new(),
        tuned: None,
        summary: String::new(),
    }
}

fn ended(name: &str, done: &StepDone, seconds: f64) -> StepEnd {
    StepEnd {
        key: Some(done.key.to_string()),
        seconds,
        outputs: done.outputs.iter().map(|(name, digest)| (name.clone(), digest.to_string())).collect(),
        tuned: done.tuned().map(|tuned| tuned.best.clone()),
        summary: done.summary.clone(),
        ..without_work(name, done.outcome, &done.reason)
    }
}

fn finish(plan: &Plan, places: &[usize], cx: RunCx, mut queue: Queue, listen: &mut dyn FnMut(Event)) -> RunResult {
    let interrupted = cx.stopped() || queue.faults.iter().any(|(_, fault)| fault.code == "interrupted");
    let surprised = cx.done.iter().any(|done| done.get().is_some_and(|done| done.surprises().is_some()));
    for place in places {
        if queue.ends.contains_key(place) {
            continue;
        }
        if surprised && queue.faults.is_empty() && !interrupted {
            continue;
        }
        let reason = if interrupted { "the run was interrupted".to_owned() } else { blamed(plan, *place, &queue) };
        let end = without_work(&plan.steps[*place].name, Outcome::Skipped, &reason);
        listen(Event::Ended(end.clone()));
        queue.ends.insert(*place, end);
    }
    let contracts = cx.contracts.results();
    let units = cx.units.into_inner().expect("no holder panicked");
    let done: Vec<Option<StepDone>> = cx.done.into_iter().map(OnceLock::into_inner).collect();
    let gates = done.iter().flatten().all(|done| match &done.payload {
        Payload::Judged(judgement) => judgement.verdict.passed(),
        _ => true,
    });
    let status = match () {
        () if interrupted => RunStatus::Interrupted,
        () if !queue.faults.is_empty() => RunStatus::Failed,
        () if !gates => RunStatus::GateFailed,
        () => RunStatus::Done,
    };
    RunResult { status, steps: queue.ends.into_values().collect(), done, failed: queue.faults, units, contracts }
}

/// Why a step didn't begin: something that it needs, or the step at which the run stopped.
fn blamed(plan: &Plan, place: usize, queue: &Queue) -> String {
    let outcome = |place: &usize| queue.ends.get(place).map(|end| end.outcome);
    for need in plan.needs(place) {
        let name = &plan.steps[need].name;
        match outcome(&need) {
            Some(Outcome::Failed) => return format!("`{name}` failed"),
            Some(Outcome::Skipped) => return format!("`{name}` was skipped"),
            _ => {}
        }
    }
    let failed = queue.faults.first().map_or("a step", |(place, _)| plan.steps[*place].name.as_str());
    format!("the run stopped when `{failed}` failed")
}
