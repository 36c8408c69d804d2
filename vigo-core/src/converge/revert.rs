//! Keeping what is there before it is first changed, and bringing it back.

use super::Converge;
use super::trigger::{Record, RevertCommand};
use super::turn::{Stage, Turn};
use crate::action::{Op, OpOutput};
use crate::bundle::{Attribute, BundleResource};
use crate::host::Problem;
use crate::resource::{self, Fields, Instance, KEPT_BYTES_MAX, Keep, Kept, Snapshot};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Converge {
    /// Keeps what the observation shows, or returns what must be read to keep it.
    pub(super) fn before_change(&mut self, turn: &mut Turn) -> Option<Op> {
        let resource = self.resource_of(turn.node)?;
        if resource.revert || resource.on_revert.is_some() {
            return None;
        }
        match turn.instance.as_ref()?.keep()? {
            // What an earlier run has put there may be a secret: no value is ever kept.
            Keep::Path { .. } | Keep::Value(..) if self.nodes.get(turn.node as usize).is_some_and(|n| n.has_secret) => {
                turn.report.notes.push("what was there is not kept: the resource has a secret".into());
                None
            }
            Keep::Path { path, follow } => Some(Op::ReadFile { path, follow, bytes_max: KEPT_BYTES_MAX }),
            Keep::Absent(path) => {
                let (type_name, target) = (Arc::from(resource::PATHS), path.shared());
                let snapshot = Snapshot { type_name, target, kept: Kept::Absent, reverted: false };
                self.records.push(Record::Snapshot(snapshot));
                None
            }
            Keep::Value(attribute, value) => {
                let (type_name, target) = self.kept_under(turn.node)?;
                let kept = Kept::Value { attribute: attribute.into(), value };
                self.records.push(Record::Snapshot(Snapshot { type_name, target, kept, reverted: false }));
                None
            }
        }
    }

    /// Keeps what a read found, and lets the change begin.
    pub(super) fn keep(&mut self, mut turn: Box<Turn>, answers: &[(Arc<Op>, Arc<OpOutput>)]) {
        turn.stage = Stage::Perform;
        for (op, output) in answers {
            match (Kept::of(output), &**op) {
                // Another resource may have put it there.
                (Ok(Kept::File { content, .. }), _) if self.mask.borrow().hides(&String::from_utf8_lossy(&content)) => {
                    turn.report.notes.push("what was there is not kept: a secret is in it".into());
                }
                (Ok(kept), Op::ReadFile { path, .. }) => {
                    let (type_name, target) = (Arc::from(resource::PATHS), path.shared());
                    self.records.push(Record::Snapshot(Snapshot { type_name, target, kept, reverted: false }));
                }
                (Ok(_), _) => {}
                (Err(why), _) => turn.report.notes.push(format!("what was there is not kept: {why}")),
            }
        }
        self.turn = Some(turn);
    }

    /// Returns an instance that brings back what was kept.
    pub(super) fn reverted(&self, resource: &BundleResource, fields: &Fields) -> Result<Box<dyn Instance>, Problem> {
        let (type_name, target) = resource::kept_under(fields).unwrap_or_default();
        let known = self.options.snapshots.iter().find(|s| s.type_name == type_name && s.target == target);
        match known {
            Some(snapshot) => self.prepared(resource, |ctx| resource::restore(&snapshot.kept, fields, ctx)),
            None => {
                let problem = Problem::failed(format!("expected a snapshot of `{target}` to revert to, found none"));
                Err(problem.help("a snapshot is taken before the first change; write what should be there instead"))
            }
        }
    }

    /// Returns an instance that runs the `on_revert` command; `None` when it has succeeded already.
    pub(super) fn revert_command(
        &self,
        resource: &BundleResource,
        command: &Attribute,
    ) -> Result<Option<Box<dyn Instance>>, Problem> {
        let fields = self.revert_fields(resource, command)?;
        let digest = resource::command_digest(&fields);
        let id = &resource.id;
        if self.options.revert_commands.iter().any(|c| c.id == *id && c.sha256 == digest) {
            return Ok(None);
        }
        crate::guard::check_footprint(&(fields.decl.footprint)(&fields))?;
        self.instance(resource, &fields).map(Some)
    }

    /// Returns what is to be remembered of a resource that succeeded.
    pub(super) fn brought_back(&self, node: u32) -> Vec<Record> {
        let Some(resource) = self.resource_of(node).filter(|_| !self.options.dry_run) else { return Vec::new() };
        if let Some(command) = &resource.on_revert {
            let Ok(fields) = self.revert_fields(resource, command) else { return Vec::new() };
            let done = RevertCommand { id: resource.id.clone(), sha256: resource::command_digest(&fields) };
            let known = self.options.revert_commands.contains(&done);
            return if known { Vec::new() } else { alloc::vec![Record::RevertCommand(done)] };
        }
        if !resource.revert {
            return Vec::new();
        }
        let Some((type_name, target)) = self.kept_under(node) else { return Vec::new() };
        let open = |s: &Snapshot| s.type_name == type_name && s.target == target && !s.reverted;
        match self.options.snapshots.iter().any(open) {
            true => alloc::vec![Record::Reverted { type_name, target }],
            false => Vec::new(),
        }
    }

    fn resource_of(&self, node: u32) -> Option<&BundleResource> {
        self.bundle.resources.get(self.nodes.get(node as usize)?.resource as usize)
    }

    fn kept_under(&self, node: u32) -> Option<(Arc<str>, Arc<str>)> {
        resource::kept_under(self.nodes.get(node as usize)?.fields.as_ref()?)
    }

    /// Returns the fields of an `exec` whose command is the `on_revert` command.
    fn revert_fields(&self, resource: &BundleResource, command: &Attribute) -> Result<Fields, Problem> {
        let Some(decl) = resource::find("exec") else {
            return Err(Problem::failed("there is no type `exec` to run `on_revert` by"));
        };
        let command = Attribute { name: "command".into(), ..command.clone() };
        self.rendered(resource, decl, &command)
    }
}
