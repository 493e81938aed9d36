//! From parser events to a tree: limits, unique keys, and a message of its own for each trap of YAML.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Scanned};

use super::traps;
use super::{Data, Entry, Fault, Node};

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 8 << 20;
/// The deepest nesting.
const MAX_DEPTH: usize = 64;
/// The most nodes that aliases may add.
const MAX_ALIASED: usize = 20_000;

/// A mistake at a place that no route leads to, because the tree isn't whole.
pub(super) struct Misread {
    pub(super) span: Range<usize>,
    pub(super) fault: Fault,
}

/// Reads one YAML document. Mistakes that leave the tree whole are collected; others end the reading.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Misread>> {
    if text.len() > MAX_BYTES {
        let fault = Fault::new(
            "too-large",
            format!("the file has {} bytes, more than the {MAX_BYTES} that are read", text.len()),
        );
        return Err(vec![Misread { span: 0..0, fault }]);
    }
    let mut builder = Builder::new(text);
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = builder.offsets.byte(error.marker().index());
                let found = traps::scan_error(text, at, error.info());
                builder.mistakes.push(found);
                return Err(builder.mistakes);
            }
        };
        let span = builder.bytes(&span);
        if builder.take(event, span).is_err() {
            return Err(builder.mistakes);
        }
    }
    if builder.mistakes.is_empty() {
        return Ok(builder.root.unwrap_or_else(|| Node::plain("", 0..0)));
    }
    Err(builder.mistakes)
}

/// Character offsets, as the parser counts, to byte offsets.
struct Offsets(Option<Vec<usize>>, usize);

impl Offsets {
    fn new(text: &str) -> Self {
        let table = (!text.is_ascii()).then(|| text.char_indices().map(|(byte, _)| byte).collect());
        Self(table, text.len())
    }

    fn byte(&self, character: usize) -> usize {
        match &self.0 {
            Some(table) => table.get(character).copied().unwrap_or(self.1),
            None => character.min(self.1),
        }
    }
}

/// A list or map that isn't closed yet.
enum Open {
    Seq { anchor: usize, start: usize, items: Vec<Node> },
    Map { anchor: usize, start: usize, flow: bool, entries: Vec<Entry>, key: Option<(String, Range<usize>)> },
}

/// The reading can't go on; the reason is among the mistakes.
struct Stop;

struct Builder<'a> {
    text: &'a str,
    offsets: Offsets,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    aliased: usize,
    root: Option<Node>,
    documents: usize,
    mistakes: Vec<Misread>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            offsets: Offsets::new(text),
            open: Vec::new(),
            anchors: HashMap::new(),
            aliased: 0,
            root: None,
            documents: 0,
            mistakes: Vec::new(),
        }
    }

    /// The bytes of a scanned span, without white space and comments behind.
    fn bytes(&self, span: &Scanned) -> Range<usize> {
        let start = self.offsets.byte(span.start.index());
        let end = self.offsets.byte(span.end.index()).max(start);
        start..start + self.text[start..end].trim_end().len()
    }

    fn mistake(&mut self, span: Range<usize>, fault: Fault) {
        self.mistakes.push(Misread { span, fault });
    }

    fn stop(&mut self, span: Range<usize>, fault: Fault) -> Result<(), Stop> {
        self.mistake(span, fault);
        Err(Stop)
    }

    fn take(&mut self, event: Event, span: Range<usize>) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let fault = Fault::new("many-documents", "a file holds one document, and here a second begins");
                    return self.stop(span, fault.help("put it in a file of its own"));
                }
            }
            Event::Alias(id) => return self.alias(id, span),
            Event::Scalar(text, style, anchor, tag) => {
                self.no_tag(tag.is_some(), &span);
                let node = match style {
                    ScalarStyle::Plain => {
                        if let Some(fault) = traps::plain_scalar(self.text, &span, &text) {
                            self.mistake(span.clone(), fault);
                        }
                        Node::plain(&text, span)
                    }
                    _ => Node::made(Data::Str(text.into_owned()), span),
                };
                return self.put(node, anchor);
            }
            Event::SequenceStart(anchor, tag) => {
                self.no_tag(tag.is_some(), &span);
                self.deeper(&span)?;
                self.open.push(Open::Seq { anchor, start: span.start, items: Vec::new() });
            }
            Event::MappingStart(anchor, tag) => {
                self.no_tag(tag.is_some(), &span);
                if self.text[span.start..].starts_with("{{") {
                    let fault = traps::bare_template(self.text, span.start);
                    return self.stop(span.start..span.start + 2, fault);
                }
                self.deeper(&span)?;
                let flow = self.text[span.start..].starts_with('{');
                self.open.push(Open::Map { anchor, start: span.start, flow, entries: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn no_tag(&mut self, tagged: bool, span: &Range<usize>) {
        if tagged {
            let at = traps::tag_before(self.text, span.start);
            let shown = self.text[at.clone()].to_owned();
            let fault = Fault::new("yaml-tag", format!("`{shown}` is a tag in YAML, and tags have no meaning here"));
            self.mistake(
                at,
                fault.help(format!(
                    "for a string, quote it: \"{shown}\"; for all columns but some, write `{{except: […]}}`"
                )),
            );
        }
    }

    fn deeper(&mut self, span: &Range<usize>) -> Result<(), Stop> {
        if self.open.len() < MAX_DEPTH {
            return Ok(());
        }
        self.stop(span.clone(), Fault::new("too-deep", format!("nested more than {MAX_DEPTH} levels deep")))
    }

    fn alias(&mut self, id: usize, span: Range<usize>) -> Result<(), Stop> {
        let Some((_, size)) = self.anchors.get(&id) else {
            return self.stop(span, Fault::new("yaml-alias", "an anchor can't hold an alias of itself"));
        };
        self.aliased += size;
        if self.aliased > MAX_ALIASED {
            let fault = Fault::new("alias-bomb", format!("aliases make more than {MAX_ALIASED} nodes of this file"));
            return self.stop(span, fault.help("write out what is meant, or make it a param"));
        }
        let node = self.anchors[&id].0.clone();
        self.put(node, 0)
    }

    fn close(&mut self, span: Range<usize>) -> Result<(), Stop> {
        let end = |start: usize| start..span.end.max(start);
        let (node, anchor) = match self.open.pop() {
            Some(Open::Seq { anchor, start, items }) => {
                if let Some((at, fault)) = traps::split_in_list(self.text, &items) {
                    self.mistake(at, fault);
                }
                (Node::made(Data::Seq(items), end(start)), anchor)
            }
            Some(Open::Map { anchor, start, flow, entries, .. }) => {
                if flow && let Some((at, fault)) = traps::split_in_map(self.text, &entries) {
                    self.mistake(at, fault);
                }
                (Node::made(Data::Map(entries), end(start)), anchor)
            }
            None => return Ok(()),
        };
        self.put(node, anchor)
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        if anchor > 0 {
            let size = size(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Seq { items, .. }) => items.push(node),
            Some(Open::Map { key: key @ None, .. }) => {
                if matches!(node.data, Data::Seq(_) | Data::Map(_)) {
                    let fault = Fault::new("yaml-key", format!("a key is a word, and this is {}", node.what()));
                    return self.stop(node.span, fault);
                }
                *key = Some((node.text, node.span));
            }
            Some(Open::Map { entries, key, .. }) => {
                let (key, key_span) = key.take().expect("a value follows its key");
                let twin = entries.iter().find(|entry| entry.key == key).map(|entry| entry.key_span.start);
                let merge = key == "<<";
                let at = key_span.clone();
                entries.push(Entry { key: key.clone(), key_span, value: node });
                if merge {
                    let fault = Fault::new("merge-key", "merge keys (`<<`) are not part of YAML 1.2");
                    self.mistake(at, fault.help("write the keys out, or use an alias for each value"));
                } else if let Some(first) = twin {
                    let line = self.text[..first].matches('\n').count() + 1;
                    let fault = Fault::new("duplicate-key", format!("`{key}` is said twice"));
                    self.mistake(at, fault.help(format!("it stands on line {line} already")));
                }
            }
        }
        Ok(())
    }
}

/// How many nodes it holds, itself included.
fn size(node: &Node) -> usize {
    1 + match &node.data {
        Data::Seq(items) => items.iter().map(size).sum(),
        Data::Map(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
        _ => 0,
    }
}
