//! What is read of property lists of launchd, whoever wrote them, and what is written.

use crate::input::choice;
use roxmltree::{Document, Node, ParsingOptions};
use vigo_core::action::{AbsPath, Effect, Entry, FileKind, Metadata, Op, OpOutput};
use vigo_core::host::{Host, HostFacts, Init, Installation, Interpreted, Step, observe};
use vigo_core::resource::service::{Action, Boot, BootState, Goal, State, Want};
use vigo_host_macos::MacOs;

/// The job that is asked for.
const LABEL: &str = "com.example.own";
/// The label of the agent itself.
const AGENT: &str = "vigo-envoy";
const FOLDER: &str = "/Library/LaunchDaemons";

/// By the first byte: a file of any bytes under the name of another job or of its own, a list that the rest describes, and
/// the agent's own list for a program and a state directory.
///
/// What is read of a file is what a reader of XML, or the one who made the list, says of it, or is unknown; of a list
/// that is whole it is known, of one that is cut never. Nothing that is done to a job writes its file. The agent's list is
/// read back as its job.
pub fn plist(data: &[u8]) {
    let Some((which, rest)) = choice(data) else { return };
    match which % 4 {
        0 => any(rest, "other"),
        1 => any(rest, LABEL),
        2 => made(rest),
        _ => agent(rest),
    }
}

/// What a list says of its job.
#[derive(Debug)]
struct Says {
    label: Option<String>,
    boot: BootState,
}

impl Says {
    fn names(&self, label: &str, stem: &str) -> bool {
        self.label.as_deref().unwrap_or(stem).eq_ignore_ascii_case(label)
    }
}

fn any(content: &[u8], stem: &str) {
    if content.len() > 1 << 16 {
        return;
    }
    let seen = seen(LABEL, stem, content);
    if let Some(says) = says(content) {
        agrees(&seen, &says, LABEL, stem);
    }
}

/// Asserts that what is known of the job is what its list says.
fn agrees(seen: &Interpreted<State>, says: &Says, label: &str, stem: &str) {
    match seen {
        Interpreted::Known(State::Missing) => assert!(!says.names(label, stem), "missing: {says:?}"),
        Interpreted::Known(State::Found(found)) => {
            assert!(says.names(label, stem), "found: {says:?}");
            assert_eq!(found.boot, says.boot, "{says:?}");
        }
        Interpreted::Unknown(_) => {}
        Interpreted::Ask(ops) => panic!("still asked: {ops:?}"),
    }
}

/// Observes a job that is not loaded, on a machine with this one file.
fn seen(label: &str, stem: &str, content: &[u8]) -> Interpreted<State> {
    let facts = HostFacts { family: "macos".into(), init: Init::Launchd, ..HostFacts::default() };
    let adapter = match MacOs.service(&facts) {
        Ok(adapter) => adapter,
        Err(problem) => panic!("{problem}"),
    };
    let want = Want { boot: Some(Boot::Enabled), ..Want::new(label, Goal::Unmanaged) };
    let file = format!("{FOLDER}/{stem}.plist");
    let seen = observe(adapter, &want, &facts, |op| {
        assert_eq!(op.effect(), Effect::Reads, "{op}");
        match op {
            Op::Run(command) if command.args.iter().any(|arg| arg.as_str() == "print") => OpOutput::exited(113, "", ""),
            Op::Run(_) => OpOutput::exited(0, "disabled services = {\n}\n", ""),
            Op::ReadFile { path, .. } if path.as_str() == file => {
                OpOutput::File { meta: meta(content), content: content.into() }
            }
            Op::ListDir { path, .. } if path.as_str() == FOLDER => {
                OpOutput::Dir(vec![Entry { path: format!("{stem}.plist").into(), meta: meta(content) }])
            }
            _ => OpOutput::Missing,
        }
    });
    if let Interpreted::Known(state @ State::Found(found)) = &seen {
        assert_eq!(found.file.as_ref().map(AbsPath::as_str), Some(&*file));
        for action in [Action::Start, Action::Stop, Action::Restart, Action::Reload, Action::Enable, Action::Disable] {
            for op in adapter.lower(&want, state, &[action], &facts).unwrap_or_default() {
                let Op::Run(command) = &op else { panic!("{op}") };
                assert_eq!(&*command.program, "/bin/launchctl", "{op}");
            }
        }
    }
    seen
}

fn meta(content: &[u8]) -> Metadata {
    Metadata {
        kind: FileKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: content.len() as u64,
        mtime_ms: 0,
        dev: 1,
        ino: 1,
        nlink: 1,
        target: None,
        context: None,
    }
}

/// Reads a list by other means; `None` where they have nothing to say, or two things.
fn says(content: &[u8]) -> Option<Says> {
    let text = str::from_utf8(content).ok()?;
    let document = parsed(text)?;
    let fields = fields(document.root_element().first_element_child()?)?;
    let value = |key: &str| {
        let mut values = fields.iter().filter(|(name, _)| name == key).map(|(_, value)| *value);
        match (values.next(), values.next()) {
            (value, None) => Some(value),
            _ => None,
        }
    };
    let label = match value("Label")? {
        None => None,
        Some(label) if label.has_tag_name("string") => Some(text_in(label)?),
        Some(_) => return None,
    };
    let is_disabled = value("Disabled")?.is_some_and(|disabled| disabled.has_tag_name("true"));
    Some(Says { label, boot: if is_disabled { BootState::Disabled } else { BootState::Enabled } })
}

fn parsed(text: &str) -> Option<Document<'_>> {
    let options = ParsingOptions { allow_dtd: true, nodes_limit: 10_000, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let root = document.root_element();
    let is_one = root.children().filter(Node::is_element).count() == 1 && !has_text(root);
    (root.has_tag_name("plist") && is_one).then_some(document)
}

/// Returns whether text stands among the elements of one, where a list has none.
fn has_text(node: Node<'_, '_>) -> bool {
    node.children().any(|child| child.is_text() && child.text().is_some_and(|text| !text.trim().is_empty()))
}

/// Returns the keys of a map with their values.
fn fields<'a, 'd>(map: Node<'a, 'd>) -> Option<Vec<(String, Node<'a, 'd>)>> {
    if !map.has_tag_name("dict") || has_text(map) {
        return None;
    }
    let elements: Vec<_> = map.children().filter(Node::is_element).collect();
    let (pairs, []) = elements.as_chunks::<2>() else { return None };
    let field = |[key, value]: &[Node<'a, 'd>; 2]| Some((text_in(*key).filter(|_| key.has_tag_name("key"))?, *value));
    pairs.iter().map(field).collect()
}

/// Returns the text in an element; `None` when there are others in it.
fn text_in(node: Node<'_, '_>) -> Option<String> {
    let has_others = node.children().any(|child| child.is_element());
    let texts = node.children().filter(Node::is_text).filter_map(|text| text.text());
    (!has_others).then(|| texts.collect())
}

/// A value of a list that is made.
#[derive(Debug)]
enum Value {
    Text(String),
    Bool(bool),
    Number(u32),
    Data(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

fn made(data: &[u8]) {
    let mut bytes = Bytes(data);
    let map = bytes.map(0);
    let Value::Map(entries) = &map else { return };
    let value = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let label = match value("Label") {
        Some(Value::Text(text)) => Some(text.clone()),
        // No job of launchd.
        Some(Value::Number(_) | Value::Data(_)) => return,
        _ => None,
    };
    let is_disabled = matches!(value("Disabled"), Some(Value::Bool(true)));
    let says = Says { label, boot: if is_disabled { BootState::Disabled } else { BootState::Enabled } };
    let (xml, end) = bytes.xml(&map);
    for stem in ["other", LABEL] {
        for content in [xml.as_bytes(), &bytes.binary(&map)] {
            let seen = seen(LABEL, stem, content);
            assert!(matches!(seen, Interpreted::Known(_)), "{seen:?} of {}", String::from_utf8_lossy(content));
            agrees(&seen, &says, LABEL, stem);
        }
    }
    let at = bytes.next() << 8 | bytes.next();
    let cut = &xml.as_bytes()[..at % end];
    assert!(matches!(seen(LABEL, LABEL, cut), Interpreted::Unknown(_)), "{}", String::from_utf8_lossy(cut));
    assert!(matches!(seen(LABEL, "other", cut), Interpreted::Known(State::Missing)));
}

/// What a list is made of; when it is used up, of zeros.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first)
    }

    fn take(&mut self, len: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn text(&mut self) -> String {
        const WORDS: [&str; 12] = [
            LABEL,
            "Label",
            "Disabled",
            "COM.example.Own",
            "com.example.own2",
            "com.example",
            "<true/>",
            "</string>",
            "-->",
            "&lt;",
            "bplist00",
            "\u{f6} ]]> \u{1f34e}",
        ];
        let which = self.next();
        match WORDS.get(which) {
            Some(word) => (*word).into(),
            None => {
                let text = String::from_utf8_lossy(self.take(which % 40));
                // What XML can hold, and means the same when it is read.
                text.chars().filter(|c| !c.is_control() && !('\u{fffe}'..='\u{ffff}').contains(c)).collect()
            }
        }
    }

    fn value(&mut self, level: usize) -> Value {
        match self.next() % 8 {
            0 | 1 => Value::Text(self.text()),
            2 => Value::Bool(true),
            3 => Value::Bool(false),
            4 => Value::Number(u32::try_from(self.next()).unwrap_or_default() << 20),
            5 if level < 5 => Value::List((0..self.next() % 5).map(|_| self.value(level + 1)).collect()),
            6 if level < 5 => self.map(level + 1),
            _ => {
                let len = self.next() * 4;
                Value::Data(self.take(len).to_vec())
            }
        }
    }

    fn map(&mut self, level: usize) -> Value {
        let mut entries: Vec<(String, Value)> = Vec::new();
        for _ in 0..self.next() % 24 {
            let key = self.text();
            let value = self.value(level);
            if entries.iter().all(|(other, _)| *other != key) {
                entries.push((key, value));
            }
        }
        Value::Map(entries)
    }

    /// Returns the list as XML, in one of the ways in which it may be written, and where it ends: comments may follow.
    fn xml(&mut self, value: &Value) -> (String, usize) {
        let mut out = String::from(["", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"][self.next() % 2]);
        out += ["", "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/x.dtd\">\n"]
            [self.next() % 2];
        self.blank(&mut out);
        out += ["<plist>", "<plist version=\"1.0\">", "<plist a='>' >"][self.next() % 3];
        self.element(&mut out, value);
        self.blank(&mut out);
        out += "</plist>";
        let end = out.len();
        out += ["\n", "", "\r\n<!-- </plist> -->\n"][self.next() % 3];
        (out, end)
    }

    fn element(&mut self, out: &mut String, value: &Value) {
        self.blank(out);
        match value {
            Value::Text(text) => {
                *out += "<string>";
                self.escaped(out, text);
                *out += "</string>";
            }
            Value::Bool(is_true) => {
                let forms = [["<false/>", "<false />", "<false></false>"], ["<true/>", "<true />", "<true></true>"]];
                *out += forms[usize::from(*is_true)][self.next() % 3];
            }
            Value::Number(number) => *out += &format!("<integer>{number}</integer>"),
            Value::Data(data) => *out += &format!("<data>{}</data>", vigo_core::base64::encode(data)),
            Value::List(list) if list.is_empty() && self.next().is_multiple_of(2) => *out += "<array/>",
            Value::List(list) => {
                *out += "<array>";
                list.iter().for_each(|value| self.element(out, value));
                self.blank(out);
                *out += "</array>";
            }
            Value::Map(map) if map.is_empty() && self.next().is_multiple_of(2) => *out += "<dict/>",
            Value::Map(map) => {
                *out += "<dict>";
                for (key, value) in map {
                    self.blank(out);
                    *out += "<key>";
                    self.escaped(out, key);
                    *out += "</key>";
                    self.element(out, value);
                }
                self.blank(out);
                *out += "</dict>";
            }
        }
    }

    fn blank(&mut self, out: &mut String) {
        *out += match self.next() % 8 {
            0 | 1 => "",
            2 | 3 => "\n\t",
            4 => "\r\n",
            5 => "<!-- <key>Disabled</key><true/> -->",
            6 => "\n<!-- <key>Label</key> <string>com.example.own</string> it's -->\n",
            _ => "<?x it's > ?>",
        };
    }

    fn escaped(&mut self, out: &mut String, text: &str) {
        match self.next() % 4 {
            3 if !text.contains("]]>") => *out += &format!("<![CDATA[{text}]]>"),
            style => {
                for c in text.chars() {
                    match c {
                        '&' => *out += "&amp;",
                        '<' => *out += "&lt;",
                        '>' => *out += "&gt;",
                        '"' if style == 1 => *out += "&quot;",
                        c if style == 2 => *out += &format!("&#x{:x};", u32::from(c)),
                        c => out.push(c),
                    }
                }
            }
        }
    }

    /// Returns the list in the binary form, with offsets of the least size or of a larger one.
    fn binary(&mut self, value: &Value) -> Vec<u8> {
        let mut objects: Vec<Vec<u8>> = Vec::new();
        object(&mut objects, value);
        let mut out = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        for object in &objects {
            offsets.push(out.len() as u64);
            out.extend(object);
        }
        let table = out.len() as u64;
        let least = if table < 1 << 16 { 2 } else { 3 };
        let size = least.max(self.next() % 9);
        for offset in offsets {
            out.extend(&offset.to_be_bytes()[8 - size..]);
        }
        out.extend([0, 0, 0, 0, 0, 0, size as u8, 2]);
        for number in [objects.len() as u64, 0, table] {
            out.extend(number.to_be_bytes());
        }
        out
    }
}

/// Adds a value, and all in it; returns its number.
fn object(objects: &mut Vec<Vec<u8>>, value: &Value) -> u16 {
    let number = objects.len();
    objects.push(Vec::new());
    let made = match value {
        Value::Text(text) => string(text),
        Value::Bool(is_true) => vec![8 + u8::from(*is_true)],
        Value::Number(number) => [&[0x12][..], &number.to_be_bytes()].concat(),
        Value::Data(data) => [head(4, data.len()), data.clone()].concat(),
        Value::List(list) => {
            let numbers = list.iter().flat_map(|value| object(objects, value).to_be_bytes());
            let numbers: Vec<u8> = numbers.collect();
            [head(10, list.len()), numbers].concat()
        }
        Value::Map(map) => {
            let mut numbers = Vec::new();
            for (key, _) in map {
                numbers.extend((objects.len() as u16).to_be_bytes());
                objects.push(string(key));
            }
            for (_, value) in map {
                numbers.extend(object(objects, value).to_be_bytes());
            }
            [head(13, map.len()), numbers].concat()
        }
    };
    objects[number] = made;
    number as u16
}

fn string(text: &str) -> Vec<u8> {
    match text.is_ascii() {
        true => [head(5, text.len()), text.into()].concat(),
        false => {
            let units: Vec<u16> = text.encode_utf16().collect();
            let bytes = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            [head(6, units.len()), bytes].concat()
        }
    }
}

fn head(kind: u8, len: usize) -> Vec<u8> {
    match len {
        0..15 => vec![kind << 4 | len as u8],
        15..256 => vec![kind << 4 | 15, 0x10, len as u8],
        _ => [&[kind << 4 | 15, 0x11][..], &(len as u16).to_be_bytes()].concat(),
    }
}

/// The first line is where the agent's program lies, the second its state directory.
fn agent(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (program, state_dir) = text.split_once('\n').unwrap_or((&text, ""));
    let Some(installer) = MacOs.installer() else { panic!("no installer") };
    let Ok(told) = Installation::new(installer.places(), program, state_dir) else { return };
    let steps = installer.install(&told, &HostFacts::default()).unwrap_or_default();
    let written: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Write { path, text, .. } => Some((path, text)),
            _ => None,
        })
        .collect();
    let [(path, text)] = written[..] else { panic!("{steps:?}") };
    assert_eq!(*path, format!("{FOLDER}/{AGENT}.plist"));
    let seen = seen(AGENT, AGENT, text.as_bytes());
    let Interpreted::Known(State::Found(found)) = &seen else { panic!("{seen:?}") };
    assert_eq!(found.boot, BootState::Enabled);

    let Some(says) = says(text.as_bytes()) else { panic!("no property list: {text}") };
    assert_eq!(says.label.as_deref(), Some(AGENT));
    let strings = |node: Node<'_, '_>| node.children().filter(Node::is_element).filter_map(text_in).collect::<Vec<_>>();
    let document = parsed(text);
    let map = document.as_ref().and_then(|document| fields(document.root_element().first_element_child()?));
    let called =
        map.unwrap_or_default().iter().find(|(key, _)| key == "ProgramArguments").map(|(_, list)| strings(*list));
    let expected: Vec<&str> = [&*told.program].into_iter().chain(told.arguments.split(' ')).collect();
    assert_eq!(called.unwrap_or_default(), expected);
    assert_eq!(expected.last().copied().filter(|_| expected.len() > 2), (expected.len() > 2).then_some(state_dir));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// What an input that is named after its state comes to: else it would try nothing.
    #[test]
    fn every_named_input_comes_to_its_state() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/plist");
        let mut states = Vec::new();
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some((state, _)) = name.split_once('.') else { continue };
            let data = fs::read(&path).expect("a readable input");
            let [which @ 0..2, content @ ..] = &data[..] else { panic!("`{name}` is no file") };
            let seen = match seen(LABEL, ["other", LABEL][usize::from(*which)], content) {
                Interpreted::Known(State::Missing) => "missing",
                Interpreted::Known(State::Found(found)) if found.boot == BootState::Disabled => "disabled",
                Interpreted::Known(State::Found(_)) => "enabled",
                _ => "unknown",
            };
            assert_eq!(seen, state, "{name}");
            states.push(seen);
        }
        for state in ["missing", "disabled", "enabled", "unknown"] {
            assert!(states.contains(&state), "no input is {state}");
        }
    }
}
