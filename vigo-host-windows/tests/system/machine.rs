//! A machine whose programs are models or recordings.

#![expect(clippy::unwrap_used, reason = "a test's own tool: what is not as it should be ends the test")]

use std::sync::Arc;
use vigo_core::action::{Command, Effect, FailureKind, Op, OpFailure, OpOutput, Outputs, Ran};
use vigo_core::bundle::Place;
use vigo_core::entropy::Entropy;
use vigo_core::host::{HostFacts, Interpreted, Phase, Problem};
use vigo_core::resource::{self, Datum, Field, FieldValue, Fields, Instance, Prepare};
use vigo_core::value::Text;
use vigo_host_windows::Windows;

/// What performs operations.
pub trait Model {
    /// Performs one; a program's exit code need not be looked at.
    fn perform(&mut self, op: &Op) -> OpOutput;
}

impl<F: FnMut(&Op) -> OpOutput> Model for F {
    fn perform(&mut self, op: &Op) -> OpOutput {
        self(op)
    }
}

/// What a run of one resource came to.
#[derive(Default, Debug)]
pub struct Run {
    pub changes: Vec<String>,
    /// Of the first round.
    pub ops: Vec<String>,
    pub notes: Vec<String>,
    pub failure: Option<String>,
}

pub fn facts() -> HostFacts {
    HostFacts {
        family: "windows".into(),
        distro: "windows".into(),
        version: "10.0.20348".into(),
        ..HostFacts::default()
    }
}

/// Converges a resource; the next run must find nothing to do.
pub fn apply(model: &mut dyn Model, facts: &HostFacts, type_name: &str, attributes: &[(&str, Datum)]) -> Run {
    let run = once(model, facts, type_name, attributes);
    if run.failure.is_none() {
        let again = once(model, facts, type_name, attributes);
        let settled = again.changes.is_empty() && again.ops.is_empty() && again.failure.is_none();
        assert!(settled, "a second run found something to do: {again:?}\nafter {run:?}");
    }
    run
}

/// Converges a resource once.
pub fn once(model: &mut dyn Model, facts: &HostFacts, type_name: &str, attributes: &[(&str, Datum)]) -> Run {
    let mut run = Run::default();
    run.failure = converge(model, facts, type_name, attributes, &mut run).err();
    run
}

fn converge(
    model: &mut dyn Model,
    facts: &HostFacts,
    type_name: &str,
    attributes: &[(&str, Datum)],
    run: &mut Run,
) -> Result<(), String> {
    let mut instance = prepare(facts, type_name, attributes).map_err(|problem| problem.to_string())?;
    for round in 0..4 {
        observe(model, facts, &mut *instance).map_err(|why| format!("unknown: {why}"))?;
        let verdict = instance.compare(if round == 0 { Phase::Before } else { Phase::After });
        if round == 0 {
            run.changes = verdict.changes.iter().map(|c| format!("{}: {} → {}", c.field, c.before, c.after)).collect();
            run.notes = verdict.notes.clone();
        }
        if let Some(problem) = verdict.failure {
            return Err(problem.to_string());
        }
        assert_eq!(verdict.changes.is_empty(), instance.actions().is_empty(), "{:?}", verdict.changes);
        if verdict.changes.is_empty() {
            return Ok(());
        }
        for op in instance.lower(facts).map_err(|problem| problem.to_string())? {
            if round == 0 {
                run.ops.push(shown(&op));
            }
            match (&op, model.perform(&op)) {
                (_, OpOutput::Failed(failure)) => return Err(failure.message),
                (Op::Run(command), OpOutput::Ran(ran)) => {
                    if !ran.code().is_some_and(|code| command.accept.contains(&code)) {
                        let said = instance.classify(&op, &ran).map(|problem| problem.to_string());
                        return Err(said.unwrap_or_else(|| format!("`{}` ended with {}", shown(&op), ran.exit)));
                    }
                    if let Some(problem) = instance.objection(&op, &ran) {
                        return Err(problem.to_string());
                    }
                    run.notes.extend(instance.remark(&op, &ran));
                }
                _ => {}
            }
        }
    }
    Err("did not settle".into())
}

/// Returns an operation without the folder of the system, its arguments as they are.
pub fn shown(op: &Op) -> String {
    let Op::Run(Command { program, args, .. }) = op else { return op.to_string() };
    let mut line = program.replace("C:\\Windows\\System32\\", "");
    for arg in args {
        let secret = arg.secret_path().map(|path| format!("«secret {path}»"));
        line += &format!(" {}", secret.as_deref().unwrap_or(arg.as_str()));
    }
    line
}

pub fn prepare(facts: &HostFacts, type_name: &str, attributes: &[(&str, Datum)]) -> Result<Box<dyn Instance>, Problem> {
    let decl = resource::find(type_name).unwrap();
    let place = Place::default();
    let item =
        |(name, datum): &(&str, Datum)| Field { name: (*name).into(), value: FieldValue::Known(datum.clone()), place };
    let items = attributes.iter().map(item).collect();
    let fields = Fields { decl, id: "crate/sample".into(), name: "sample".into(), place, handler: false, items };
    if let Some(problem) = resource::check(&fields).into_iter().next() {
        return Err(problem);
    }
    let prepare = Prepare {
        host: &Windows,
        facts,
        blobs: &[],
        entropy: &|| Some(Entropy::new([7; 32])),
        render: &|_| Ok(Text::plain("")),
    };
    let instance = (decl.prepare)(&fields, &prepare)?;
    instance.check(facts)?;
    Ok(instance)
}

/// Observes; the error is why that is unknown.
pub fn observe(model: &mut dyn Model, facts: &HostFacts, instance: &mut dyn Instance) -> Result<Outputs, String> {
    let mut outputs = Outputs::default();
    let mut ops = instance.probe(facts);
    for _ in 0..4 {
        for op in ops {
            assert_eq!(op.effect(), Effect::Reads, "{op}");
            let answer = Arc::new(model.perform(&op));
            outputs.push(op, answer);
        }
        match instance.interpret(&outputs, facts) {
            Interpreted::Known(()) => return Ok(outputs),
            Interpreted::Unknown(why) => return Err(why),
            Interpreted::Ask(more) => ops = more,
        }
    }
    panic!("more than 3 further rounds were asked for");
}

/// Returns why the resource's state is unknown with these answers; panics when it is known.
pub fn unknown(model: &mut dyn Model, type_name: &str, attributes: &[(&str, Datum)]) -> String {
    let facts = facts();
    let mut instance = prepare(&facts, type_name, attributes).unwrap();
    match observe(model, &facts, &mut *instance) {
        Err(why) => why,
        Ok(outputs) => panic!("known: {outputs:?}"),
    }
}

/// Returns the program's bare name and its arguments.
pub fn call(op: &Op) -> Option<(&str, Vec<&str>)> {
    let Op::Run(Command { program, args, .. }) = op else { return None };
    Some((program.rsplit('\\').next()?, args.iter().map(|a| a.as_str()).collect()))
}

/// Returns how a recorded program ended.
pub fn recorded(text: &str) -> OpOutput {
    OpOutput::Ran(Ran::from_recording(text).unwrap().1)
}

/// Returns that there is no such program.
pub fn no_program() -> OpOutput {
    OpOutput::Failed(OpFailure { kind: FailureKind::NoProgram, message: "no such program".into() })
}

/// A bare scalar.
pub fn text(text: &str) -> Datum {
    Datum::Scalar { text: Text::plain(text), plain: true }
}

/// A secret.
pub fn secret(text: &str, path: &str) -> Datum {
    Datum::Scalar { text: Text::secret(text, path), plain: false }
}

/// A list of scalars.
pub fn list(items: &[&str]) -> Datum {
    Datum::List(items.iter().map(|i| text(i)).collect())
}
