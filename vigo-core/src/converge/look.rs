//! The looking part of `when:`: what to read for a [`Look`], and what the answers say.

use super::Converge;
use super::observe::{Observation, Seen};
use super::turn::Turn;
use crate::action::{AbsPath, AccountKind, Command, FileKind, Op, OpOutput};
use crate::bundle::Place;
use crate::host::{Accounts, Phase};
use crate::resource::{self, Datum, Field, FieldValue, Fields, Instance, Prepare, accounts};
use crate::time::Duration;
use crate::value::Text;
use crate::when::{Decision, Expr, Look, Tri, decide};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Where a command is looked for by its bare name, as the executor does.
const SEARCH_PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

impl Converge {
    /// Decides an expression as far as the looks of this turn go; `None` after the next look was asked for.
    pub(super) fn decide(&mut self, expr: Option<&Expr>, turn: &mut Turn) -> Option<Tri> {
        let Some(expr) = expr else { return Some(Tri::True) };
        loop {
            let known = |look: &Look| turn.looks.iter().find(|(l, _)| l == look).map(|(_, tri)| tri.clone());
            match decide(expr, &known) {
                Decision::Decided(tri) => return Some(tri),
                Decision::Look(look) => match self.look(look, turn) {
                    Some(found) => turn.looks.push(found),
                    None => return None,
                },
            }
        }
    }

    /// Asks for what a look needs; `Some` when nothing needs to be asked.
    fn look(&mut self, look: Look, turn: &mut Turn) -> Option<(Look, Tri)> {
        // What runs, and what a command says, may depend on anything that was done before.
        if let (Look::CommandSucceeds(_) | Look::ProcessRunning(_), Some(earlier)) =
            (&look, self.moved_before(turn.node))
        {
            let why = format!("`{earlier}` would have changed something before `{look}` is asked");
            return Some((look, Tri::unknown(why)));
        }
        let ops = match &look {
            Look::FileExists(path) | Look::DirExists(path) => match AbsPath::parse(path) {
                Ok(path) => alloc::vec![Op::Stat { path, follow: true }],
                Err(why) => return Some((look, Tri::unknown(format!("{why}")))),
            },
            Look::HasCommand(name) if name.contains('/') => match AbsPath::parse(name) {
                Ok(path) => alloc::vec![Op::Stat { path, follow: true }],
                Err(why) => return Some((look, Tri::unknown(format!("{why}")))),
            },
            Look::HasCommand(name) => {
                let paths = SEARCH_PATH.iter().filter_map(|dir| AbsPath::parse(&format!("{dir}/{name}")).ok());
                paths.map(|path| Op::Stat { path, follow: true }).collect()
            }
            Look::UserExists(name) => accounts::look_up(AccountKind::User, name, &self.facts),
            Look::CommandSucceeds(command) => {
                let command = Command::read("/bin/sh", ["-c", command]).timeout(Duration::from_secs(30));
                alloc::vec![Op::Run(command)]
            }
            Look::ServiceRunning(name) => return self.look_by(&look, "service", "service", "running", name, turn),
            Look::ProcessRunning(name) => return self.look_by(&look, "process", "process", "running", name, turn),
            Look::PackageInstalled(name) => return self.look_by(&look, "package", "package", "present", name, turn),
        };
        turn.looking = Some((look, None, Observation::default()));
        self.ask(ops);
        None
    }

    /// Looks by observing a resource that would want it so.
    fn look_by(
        &mut self,
        look: &Look,
        type_name: &str,
        attribute: &str,
        state: &str,
        name: &Arc<str>,
        turn: &mut Turn,
    ) -> Option<(Look, Tri)> {
        let unknown = |why: String| Some((look.clone(), Tri::unknown(why)));
        let mut instance = match self.probe_instance(type_name, attribute, state, name) {
            Ok(instance) => instance,
            Err(why) => return unknown(why),
        };
        if let Some(state) = self.overlay.foretold(instance.type_name(), name)
            && instance.assume(&state.clone())
        {
            return Some((look.clone(), in_sync(&mut *instance)));
        }
        let mut observation = Observation::default();
        match observation.begin(&mut *instance, &[], &self.cache, &self.facts) {
            Seen::Ask(ops) => {
                turn.looking = Some((look.clone(), Some(instance), observation));
                self.ask(ops);
                None
            }
            Seen::Known => {
                let found = in_sync(&mut *instance);
                Some((look.clone(), self.believed(turn.node, found)))
            }
            Seen::Unknown(why) => unknown(why),
        }
    }

    /// In a plan: what was not found may be there once what comes before has run.
    fn believed(&self, node: u32, found: Tri) -> Tri {
        match (found, self.doubt_before(node)) {
            (Tri::False, Some(earlier)) => Tri::unknown(format!("`{earlier}` may bring it")),
            (found, _) => found,
        }
    }

    fn probe_instance(
        &self,
        type_name: &str,
        attribute: &str,
        state: &str,
        name: &Arc<str>,
    ) -> Result<Box<dyn Instance>, String> {
        let decl = resource::find(type_name).ok_or_else(|| format!("type `{type_name}` is not known"))?;
        let field = |key: &str, text: &str| Field {
            name: key.into(),
            value: FieldValue::Known(Datum::Scalar { text: Text::plain(text), plain: false }),
            place: Place::default(),
        };
        let fields = Fields {
            decl,
            id: "when".into(),
            name: "when".into(),
            place: Place::default(),
            handler: false,
            items: alloc::vec![field(attribute, name), field("state", state)],
        };
        if let Some(problem) = resource::check(&fields).into_iter().next() {
            return Err(format!("{problem}"));
        }
        let prepare = Prepare {
            host: self.host,
            facts: &self.facts,
            blobs: &[],
            render: &|text| Ok(Text::plain(text)),
            entropy: &|| None,
        };
        (decl.prepare)(&fields, &prepare).map_err(|p| format!("{p}"))
    }

    /// Takes the answers of the look in hand.
    pub(super) fn looked(&mut self, answers: Vec<(Arc<Op>, Arc<OpOutput>)>, turn: &mut Turn) {
        let Some((look, instance, mut observation)) = turn.looking.take() else { return };
        if let Some(mut instance) = instance {
            let found = match observation.answers(answers, &mut *instance, &mut self.cache, &self.facts) {
                Seen::Ask(ops) => {
                    turn.looking = Some((look, Some(instance), observation));
                    self.ask(ops);
                    return;
                }
                Seen::Known => in_sync(&mut *instance),
                Seen::Unknown(why) => Tri::unknown(why),
            };
            turn.looks.push((look, self.believed(turn.node, found)));
            return;
        }
        let outputs: Vec<&OpOutput> = answers.iter().map(|(_, output)| &**output).collect();
        let found = judge(&look, &outputs);
        turn.looks.push((look, self.believed(turn.node, found)));
    }
}

fn in_sync(instance: &mut dyn Instance) -> Tri {
    let verdict = instance.compare(Phase::Before);
    match verdict.failure {
        None if verdict.changes.is_empty() => Tri::True,
        // A service that does not exist does not run; a failed one does not either.
        _ => Tri::False,
    }
}

fn judge(look: &Look, outputs: &[&OpOutput]) -> Tri {
    let is = |kind: FileKind| -> Tri {
        match outputs.first() {
            Some(OpOutput::Stat(meta)) => {
                (meta.kind == kind || (kind == FileKind::File && meta.kind != FileKind::Dir)).into()
            }
            Some(OpOutput::Missing) => Tri::False,
            other => failed(other),
        }
    };
    match look {
        Look::FileExists(_) => is(FileKind::File),
        Look::DirExists(_) => is(FileKind::Dir),
        Look::HasCommand(_) => {
            let runs =
                |o: &&OpOutput| matches!(o, OpOutput::Stat(m) if m.kind == FileKind::File && m.mode & 0o111 != 0);
            if outputs.iter().any(runs) {
                return Tri::True;
            }
            match outputs.iter().find(|o| !matches!(o, OpOutput::Missing | OpOutput::Stat(_))) {
                None => Tri::False,
                other => failed(other),
            }
        }
        Look::CommandSucceeds(_) => match outputs.first() {
            Some(OpOutput::Ran(ran)) => ran.success().into(),
            other => failed(other),
        },
        Look::UserExists(name) => match outputs.first() {
            Some(OpOutput::File { content, .. }) if has(content, name) => Tri::True,
            // The system's own answer, where it was asked.
            Some(OpOutput::File { .. }) => match outputs.get(1) {
                Some(OpOutput::Bytes(lines)) => has(lines, name).into(),
                Some(OpOutput::Missing) | None => Tri::False,
                other => failed(other),
            },
            other => failed(other),
        },
        Look::ProcessRunning(_) | Look::PackageInstalled(_) | Look::ServiceRunning(_) => {
            Tri::unknown("it was looked at in the wrong way")
        }
    }
}

fn has(passwd: &[u8], user: &str) -> bool {
    Accounts { passwd, group: &[] }.has_user(user)
}

fn failed(output: Option<&&OpOutput>) -> Tri {
    match output {
        Some(OpOutput::Failed(failure)) => Tri::unknown(failure.message.as_str()),
        _ => Tri::unknown("it could not be looked at"),
    }
}
