//! What is to be run, pipeline by pipeline: those that are named, and before them those whose tables they work on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::choice::{Asked, Choice};
use super::open::{self, Opened, file_of};
use super::plan::split;
use super::{Failure, ParamArgs};
use crate::engine::Project;
use crate::plan::Plan;
use crate::spec::Origin;

/// One pipeline to run.
pub(super) struct Order {
    file: PathBuf,
    params: ParamArgs,
    /// Whether it was named; else another needs it.
    pub(super) is_target: bool,
    /// Its steps.
    pub(super) asked: Asked,
    /// The pipeline as it was read to know that; none if what runs before it may change what is known of its columns.
    read: Option<Opened>,
}

impl Order {
    /// The pipeline, as it is now.
    pub(super) fn opened(&mut self) -> Result<Opened, Failure> {
        match self.read.take() {
            Some(opened) => Ok(opened),
            None => open::open_file(&self.file, &self.params),
        }
    }
}

/// The pipelines that targets name, each after those whose tables it works on. What is said of params outside of the files
/// is for those that are named.
pub(super) fn orders(targets: &[String], params: &ParamArgs, choice: &Choice) -> Result<Vec<Order>, Failure> {
    let root = open::root();
    let mut found = Found { root: &root, orders: Vec::new(), upstream: BTreeMap::new() };
    let named: Vec<Option<&str>> =
        if targets.is_empty() { vec![None] } else { targets.iter().map(|target| Some(target.as_str())).collect() };
    for target in named {
        let (pipeline, step) = split(target);
        let file = file_of(&root, pipeline)?;
        let opened = open::open_file_loud(&file, params)?;
        let asked = choice.of(&opened, step)?;
        found.before(&opened.plan)?;
        found.target(file, params, opened, asked);
    }
    Ok(found.orders)
}

/// The pipelines whose tables one works on, each after those whose tables it works on itself.
pub(super) fn upstream(opened: &Opened) -> Result<Vec<Order>, Failure> {
    let mut found = Found { root: &opened.project.root, orders: Vec::new(), upstream: BTreeMap::new() };
    found.before(&opened.plan)?;
    Ok(found.orders)
}

struct Found<'a> {
    root: &'a Path,
    orders: Vec<Order>,
    /// The steps of other pipelines that are needed already.
    upstream: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl Found<'_> {
    /// A pipeline that was named, once or with several of its steps.
    fn target(&mut self, file: PathBuf, params: &ParamArgs, opened: Opened, asked: Asked) {
        let twin = self.orders.iter_mut().find(|order| order.file == file && order.is_target);
        match twin {
            Some(order) => {
                let whole = |asked: &Asked| asked.chosen.is_none();
                if whole(&order.asked) || whole(&asked) {
                    order.asked = Asked { places: (0..opened.plan.steps.len()).collect(), ..Asked::default() };
                    return;
                }
                let chosen: BTreeSet<usize> =
                    order.asked.chosen.iter().chain(&asked.chosen).flatten().copied().collect();
                let places = opened.with_needs(chosen.iter().copied().collect());
                order.asked =
                    Asked { places: places.into_iter().collect(), chosen: Some(chosen), only: order.asked.only };
            }
            None => {
                let read = self.orders.is_empty().then_some(opened);
                self.orders.push(Order { file, params: params.clone(), is_target: true, asked, read });
            }
        }
    }

    /// The steps of other pipelines that a plan's sources come from, and before them those that these need.
    fn before(&mut self, plan: &Plan) -> Result<(), Failure> {
        for source in &plan.sources {
            let Origin::Pipeline { pipeline, step, .. } = &source.spec.origin else { continue };
            let file = Project::pipeline(self.root, pipeline)?;
            if !self.upstream.entry(file.clone()).or_default().insert(step.clone()) {
                continue;
            }
            let opened = open::open_file(&file, &ParamArgs::as_written())?;
            self.before(&opened.plan)?;
            let places = opened.with_needs(opened.named(step)?);
            let earlier = self.orders.iter_mut().find(|order| order.file == file);
            match earlier {
                Some(order) => {
                    let all: BTreeSet<usize> = order.asked.places.iter().copied().chain(places).collect();
                    order.asked.places = all.into_iter().collect();
                }
                None => self.orders.push(Order {
                    file,
                    params: ParamArgs::as_written(),
                    is_target: false,
                    asked: Asked {
                        places: places.iter().copied().collect(),
                        chosen: Some(BTreeSet::new()),
                        only: false,
                    },
                    read: None,
                }),
            }
        }
        Ok(())
    }
}
