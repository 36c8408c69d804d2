//! Compares our template language with Go's own `text/template`.
//!
//! `template/cases.txt` holds the templates, `template/go.txt` what Go made of each (recorded by `template/go/main.go`).
//! Where a `go` is installed the program runs here and must print what was recorded. Where we differ on purpose the case
//! says how and why, in a line that starts `#!`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use vigo_core::template::{NoSecrets, Scope, Template};
use vigo_core::value::Value;

const CASES: &str = include_str!("template/cases.txt");
const RECORDED: &str = include_str!("template/go.txt");

/// What a template became: its output, or an error with line and, if there is one, column (bytes, from 1).
#[derive(Clone, PartialEq, Debug)]
enum Became {
    Output(String),
    Error {
        message: String,
        line: u32,
        column: Option<u32>,
    },
    /// This Go is older than what the case is about.
    Since(String),
}

/// How we are to differ from Go.
enum Differs {
    Not,
    /// We fail, here.
    Fails(u32, u32),
    /// We do not fail.
    Prints(String),
    /// We fail too, but elsewhere.
    At(u32, u32),
    /// Only Go from some version on prints this.
    Since(String),
}

struct Case {
    name: String,
    data: Value,
    template: String,
    differs: Differs,
}

fn cases() -> Vec<Case> {
    let mut datas = BTreeMap::new();
    let mut cases: Vec<Case> = Vec::new();
    for line in CASES.lines() {
        if let Some(data) = line.strip_prefix("@data ") {
            let (name, json) = data.split_once(' ').unwrap();
            datas.insert(name, parse_json(json));
        } else if let Some(head) = line.strip_prefix("== ") {
            let (name, data) = head.split_once(' ').unwrap();
            let data = datas.get(data).unwrap_or_else(|| panic!("{name}: no data `{data}`")).clone();
            cases.push(Case { name: name.into(), data, template: "\0".into(), differs: Differs::Not });
        } else if let Some(directive) = line.strip_prefix("#! ") {
            cases.last_mut().unwrap().differs = differs(directive);
        } else {
            let template = &mut cases.last_mut().unwrap().template;
            // The first line follows nothing, each further one a newline.
            if template == "\0" {
                template.clear()
            } else {
                template.push('\n')
            }
            template.push_str(line);
        }
    }
    for case in &mut cases {
        if case.template == "\0" {
            case.template.clear();
        }
    }
    cases
}

fn differs(directive: &str) -> Differs {
    let place = |text: &str| {
        let (line, column) = text.split(' ').next().unwrap().split_once(':').unwrap();
        (line.parse().unwrap(), column.parse().unwrap())
    };
    let (word, rest) = directive.split_once(' ').unwrap();
    let json = |text: &str| match Json::new(text).value() {
        Value::Text(t) => t.as_str().to_owned(),
        other => panic!("{directive}: {other:?}"),
    };
    let (line, column) = match word {
        "since" => return Differs::Since(json(rest.split_once(' ').unwrap().1)),
        "ours" if rest.starts_with("ok ") => return Differs::Prints(json(&rest[3..])),
        "ours" => place(rest.strip_prefix("error ").unwrap()),
        "at" => place(rest),
        _ => panic!("no directive: {directive}"),
    };
    assert!(directive.split(' ').count() > 3, "a difference needs its reason: {directive}");
    if word == "at" { Differs::At(line, column) } else { Differs::Fails(line, column) }
}

fn outcomes(text: &str) -> BTreeMap<String, Became> {
    let outcome = |line: &str| {
        let (name, rest) = line.split_once(' ').unwrap();
        let (word, rest) = rest.split_once(' ').unwrap();
        let became = match word {
            "since" => Became::Since(rest.into()),
            _ => {
                let Value::Text(text) = Json::new(rest).value() else { panic!("{line}") };
                match word {
                    "ok" => Became::Output(text.as_str().into()),
                    _ => go_error(text.as_str()),
                }
            }
        };
        (name.to_owned(), became)
    };
    text.lines().map(outcome).collect()
}

/// Reads `template: t:LINE: …` and `template: t:LINE:COLUMN: …`; Go counts columns in bytes from 0.
fn go_error(message: &str) -> Became {
    let mut parts = message.strip_prefix("template: t:").unwrap_or(message).splitn(3, ':');
    let line = parts.next().unwrap().parse().unwrap_or_else(|_| panic!("{message}"));
    let column = parts.next().and_then(|c| c.parse::<u32>().ok()).map(|c| c + 1);
    Became::Error { message: message.into(), line, column }
}

fn ours(case: &Case) -> Became {
    let scope = Scope::over(&case.data, &NoSecrets);
    match Template::parse(&*case.template).and_then(|t| t.render(&scope)) {
        Ok(rendered) => Became::Output(rendered.text.as_str().into()),
        Err(error) => {
            let line_start = case.template[..error.offset].rfind('\n').map_or(0, |i| i + 1);
            let column = Some((error.offset - line_start) as u32 + 1);
            Became::Error { message: error.to_string(), line: error.line, column }
        }
    }
}

/// Returns what is wrong with what we made of a case.
fn compare(case: &Case, go: &Became, ours: &Became) -> Result<(), String> {
    let place = |became: &Became| match became {
        Became::Error { line, column, .. } => Some((*line, *column)),
        _ => None,
    };
    let at = |line, column| (place(ours) == Some((line, Some(column)))).then_some(()).ok_or("not at the place it says");
    let useless = Err("the case says that we differ, and we do not".into());
    match (&case.differs, go) {
        (Differs::Since(_), Became::Output(_)) | (Differs::Not, Became::Output(_)) if go == ours => Ok(()),
        (Differs::Since(text), Became::Since(_)) if *ours == Became::Output(text.clone()) => Ok(()),
        (Differs::Since(_), _) => Err("is not what newer Go prints".into()),
        (Differs::Not, Became::Error { line, column, .. }) => match place(ours) {
            None => Err("Go fails, we do not".into()),
            Some((our_line, _)) if our_line != *line => Err("another line".into()),
            Some((_, our_column)) if column.is_some() && our_column != *column => Err("another column".into()),
            Some(_) => Ok(()),
        },
        (Differs::Not, _) => Err("Go prints something else".into()),
        (Differs::Prints(text), _) if *go == Became::Output(text.clone()) => useless,
        (Differs::Prints(text), _) => (*ours == Became::Output(text.clone())).then_some(()).ok_or("other".into()),
        (Differs::Fails(line, column), Became::Output(_)) => Ok(at(*line, *column)?),
        (Differs::Fails(..), _) => useless,
        (Differs::At(line, column), Became::Error { line: l, column: c, .. }) => {
            if (line, Some(column)) == (l, c.as_ref()) { useless } else { Ok(at(*line, *column)?) }
        }
        (Differs::At(..), _) => Err("Go does not fail".into()),
    }
}

#[test]
fn templates_become_what_go_makes_of_them() {
    let cases = cases();
    assert!(cases.len() >= 220, "{} cases", cases.len());
    let recorded = outcomes(RECORDED);
    assert_eq!(recorded.len(), cases.len(), "names are unique, and each case is recorded");
    let mut wrong = Vec::new();
    for case in &cases {
        let go = recorded.get(&case.name).unwrap_or_else(|| panic!("`{}` is not recorded", case.name));
        let ours = ours(case);
        if let Err(why) = compare(case, go, &ours) {
            wrong.push(format!(
                "{}: {why}\n  template: {:?}\n  go:   {go:?}\n  ours: {ours:?}",
                case.name, case.template
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn recorded_outcomes_are_what_the_installed_go_prints() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/template/go");
    if Command::new("go").arg("version").output().map_or(true, |o| !o.status.success()) {
        // Behind the test harness' back, so that it is seen without `--nocapture`.
        let _ =
            writeln!(std::io::stderr(), "skipped: no `go` to compare templates with; recorded outcomes were checked");
        return;
    }
    let mut go = Command::new("go")
        .args(["run", "main.go"])
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut stdin = go.stdin.take().unwrap();
    let feed = std::thread::spawn(move || stdin.write_all(CASES.as_bytes()));
    let output = go.wait_with_output().unwrap();
    feed.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let (live, recorded) = (outcomes(core::str::from_utf8(&output.stdout).unwrap()), outcomes(RECORDED));
    let mut wrong = Vec::new();
    for case in &cases() {
        let (live, recorded) = (&live[&case.name], &recorded[&case.name]);
        let same = match (&case.differs, live) {
            // A newer Go than the one that recorded.
            (Differs::Since(text), Became::Output(_)) => *live == Became::Output(text.clone()),
            (Differs::Prints(_), _) => true,
            // Messages change between versions, places do not.
            (_, Became::Error { line, column, .. }) => {
                matches!(recorded, Became::Error { line: l, column: c, .. } if (l, c) == (line, column))
            }
            _ => live == recorded,
        };
        if !same {
            wrong.push(format!("{}:\n  recorded: {recorded:?}\n  live:     {live:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Just enough JSON for the cases: whole numbers are integers, others floats.
struct Json<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
}

fn parse_json(text: &str) -> Value {
    Json::new(text).value()
}

impl<'t> Json<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text.chars().peekable() }
    }

    fn skip(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace() || matches!(c, ',' | ':')).is_some() {}
    }

    fn value(&mut self) -> Value {
        self.skip();
        match self.rest.peek() {
            Some('{') => {
                self.rest.next();
                let mut entries = Vec::new();
                loop {
                    self.skip();
                    if self.rest.next_if_eq(&'}').is_some() {
                        return Value::map(entries);
                    }
                    let key = self.text();
                    entries.push((key, self.value()));
                }
            }
            Some('[') => {
                self.rest.next();
                let mut items = Vec::new();
                loop {
                    self.skip();
                    if self.rest.next_if_eq(&']').is_some() {
                        return Value::list(items);
                    }
                    items.push(self.value());
                }
            }
            Some('"') => Value::from(self.text()),
            _ => {
                let mut word = String::new();
                while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')) {
                    word.push(c);
                }
                match &*word {
                    "null" => Value::Null,
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => word.parse().map(Value::Int).unwrap_or_else(|_| Value::Float(word.parse().unwrap())),
                }
            }
        }
    }

    fn text(&mut self) -> String {
        assert_eq!(self.rest.next(), Some('"'));
        let mut text = String::new();
        loop {
            match self.rest.next().unwrap() {
                '"' => return text,
                '\\' => match self.rest.next().unwrap() {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'u' => {
                        let code: String = self.rest.by_ref().take(4).collect();
                        text.push(char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap());
                    }
                    c => text.push(c),
                },
                c => text.push(c),
            }
        }
    }
}
