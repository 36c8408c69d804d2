//! Resources whose secrets are not at hand: proved to be as a run that had them left them.
//!
//! Such a run keeps two keyed digests of each: of what was wanted, with stand-ins in the place of secrets, and of what was
//! found at the end. A later run without the secrets makes an instance of the stand-ins, which only reads. Where both
//! digests are the same, the resource is in order; where they are not, nobody can say what it should be.

use super::Converge;
use super::observe::Seen;
use super::render::{Secrets, Values};
use super::trigger::Record;
use super::turn::{Stage, Turn};
use super::{Mask, observe::Observation};
use crate::action::{Command, Op, OpOutput, Outputs};
use crate::bundle::{BundleResource, PolicyBundle};
use crate::guard;
use crate::hex;
use crate::host::{Phase, Problem};
use crate::resource::{Datum, FieldValue, Fields, Instance, Prepare, TypeDecl, digest};
use crate::secret::{Digesting, ProofKey, Withheld};
use crate::time::Timestamp;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;

/// What a run that had the secrets of a resource left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// `crate/name`.
    pub id: Arc<str>,
    /// Keyed digest of what was wanted, without the secrets.
    pub wanted: [u8; 32],
    /// Keyed digest of what was found.
    pub found: [u8; 32],
}

/// What earlier runs left, and what a run needs to compare with it.
#[derive(Clone, Debug)]
pub struct Proofs {
    /// The machine's key.
    pub key: ProofKey,
    /// The epoch of the secrets: what was left in another one proves nothing.
    pub secrets_epoch: u64,
    /// What earlier runs left.
    pub kept: Vec<Proof>,
}

/// What stands in for secrets.
pub(super) struct StandIns {
    secrets: Secrets,
    scopes: Vec<Value>,
    mask: RefCell<Mask>,
}

/// A turn without secrets.
pub(super) struct Lacking {
    why: Problem,
    /// What must be found.
    found: [u8; 32],
}

impl StandIns {
    /// Returns one for each secret that is at hand, or would be if somebody answered; `None` when there are none.
    pub(super) fn new(bundle: &PolicyBundle, own: &Secrets) -> Option<Self> {
        let is_hidden = |path: &Arc<str>| matches!(own.denied.get(path), Some(Withheld::Refused(_)));
        let stand_in = |path: &Arc<str>| {
            let text = hex::encode(digest::sha256(&[b"vigo stand-in v1\0", path.as_bytes()].concat()));
            (path.clone(), Text::secret(text, path.clone()))
        };
        let known = bundle.secret_refs.iter().filter(|path| !is_hidden(path)).map(stand_in).collect();
        let secrets = Secrets::new(known, own.denied.clone());
        if secrets.known.is_empty() {
            return None;
        }
        let scopes = bundle.scopes.iter().map(|scope| secrets.filled(scope)).collect();
        Some(Self { secrets, scopes, mask: RefCell::default() })
    }

    fn values(&self) -> Values<'_> {
        Values { secrets: &self.secrets, scopes: &self.scopes, mask: &self.mask }
    }
}

impl Converge {
    /// Returns the attributes with stand-ins in the place of secrets; `None` where they cannot stand in.
    pub(super) fn stand_in_fields(
        &self,
        resource: &BundleResource,
        decl: &'static TypeDecl,
        long: bool,
    ) -> Option<Fields> {
        self.fields_with(self.stand_ins.as_ref()?.values(), resource, decl, long).ok()
    }

    /// Returns what is to be forgotten: of resources that are not in the policy any more.
    pub(super) fn unproved_for_good(&self) -> Vec<Record> {
        let kept = self.options.proofs.iter().flat_map(|proofs| &proofs.kept);
        let known: BTreeSet<&str> = self.bundle.resources.iter().map(|r| &*r.id).collect();
        kept.filter(|proof| !known.contains(&*proof.id)).map(|proof| Record::Unproved(proof.id.clone())).collect()
    }

    /// Returns what a turn that succeeded with its secrets left, where that is not known already. What is not in order by
    /// itself, as a command that runs each time, leaves nothing.
    pub(super) fn proof_of(&self, turn: &mut Turn) -> Option<Record> {
        let node = self.nodes.get(turn.node as usize)?;
        if self.options.dry_run || !node.has_secret || turn.lacking.is_some() {
            return None;
        }
        let (resource, proofs) = (self.provable(turn.node)?, self.options.proofs.as_ref()?);
        let instance = turn.instance.as_mut()?;
        let found = found(&proofs.key, &**instance, &turn.observation.outputs);
        let (_, wanted) = self.stand_in(resource, node.decl?)?;
        let proof = Proof { id: resource.id.clone(), wanted, found };
        if proofs.kept.contains(&proof) {
            return None;
        }
        let verdict = instance.compare(Phase::Before);
        let in_order = verdict.changes.is_empty() && verdict.failure.is_none() && verdict.pending.is_none();
        in_order.then_some(Record::Proof(proof))
    }

    /// Goes on without secrets: by looking whether the resource is as it was left, where that is known.
    pub(super) fn prove(&mut self, mut turn: Box<Turn>, why: Problem, now: Timestamp) {
        let Some((resource, kept)) = self.kept(turn.node) else { return self.give_up(turn, why, now) };
        if self.triggers.newest(&resource.id).is_some() {
            let why = also(why, "something that it is to take in has changed");
            return self.give_up(turn, why, now);
        }
        let decl = self.nodes.get(turn.node as usize).and_then(|node| node.decl);
        let found = kept.found;
        match decl.and_then(|decl| self.stand_in(resource, decl)) {
            Some((instance, wanted)) if wanted == kept.wanted => {
                turn.instance = Some(instance);
                turn.lacking = Some(Lacking { why, found });
                turn.observation = Observation::default();
                turn.stage = Stage::Observe(Phase::Before);
                self.turn = Some(turn);
            }
            Some(_) => self.give_up(turn, also(why, "what is wanted is another than when it was last there"), now),
            None => self.give_up(turn, why, now),
        }
    }

    /// Returns why a turn without secrets proves nothing; `None` while it may, and where it does.
    pub(super) fn unproved(&self, turn: &Turn, seen: &Seen) -> Option<Problem> {
        let lacking = turn.lacking.as_ref()?;
        let why = || lacking.why.clone();
        match seen {
            // What a stand-in went into is asked of nobody: it may be a login.
            Seen::Ask(ops) if ops.iter().any(has_secret) => Some(why()),
            Seen::Ask(_) => None,
            Seen::Unknown(unknown) => Some(also(why(), &format!("it could not be observed: {unknown}"))),
            Seen::Known => {
                let instance = turn.instance.as_deref()?;
                let key = &self.options.proofs.as_ref()?.key;
                let is_same = found(key, instance, &turn.observation.outputs) == lacking.found;
                (!is_same).then(|| also(why(), "it is not as it was left when the secret was last there"))
            }
        }
    }

    /// Returns the resource, if it is of those of which digests are kept.
    fn provable(&self, node: u32) -> Option<&BundleResource> {
        let resource = self.bundle.resources.get(self.nodes.get(node as usize)?.resource as usize)?;
        (!resource.revert && resource.on_revert.is_none()).then_some(resource)
    }

    fn kept(&self, node: u32) -> Option<(&BundleResource, &Proof)> {
        let resource = self.provable(node)?;
        let kept = &self.options.proofs.as_ref()?.kept;
        Some((resource, kept.iter().find(|proof| proof.id == resource.id)?))
    }

    /// Makes an instance with stand-ins, and the digest of what it wants.
    fn stand_in(&self, resource: &BundleResource, decl: &'static TypeDecl) -> Option<(Box<dyn Instance>, [u8; 32])> {
        let proofs = self.options.proofs.as_ref()?;
        let fields = self.stand_in_fields(resource, decl, true)?;
        guard::check_footprint(&(decl.footprint)(&fields)).ok()?;
        let mut digest = proofs.key.digest("vigo proof, wanted, v1");
        digest.part(&proofs.secrets_epoch.to_be_bytes());
        for part in [&*resource.id, decl.name, &*self.options.envoy.hostname] {
            digest.part(part.as_bytes());
        }
        for field in &fields.items {
            digest.part(field.name.as_bytes());
            if let FieldValue::Known(datum) = &field.value {
                self.digest_datum(datum, &mut digest);
            }
        }
        let shipped = RefCell::new(Vec::new());
        let make = |ctx: &Prepare<'_>| {
            let render = |path: &str| {
                let text = (ctx.render)(path)?;
                shipped.borrow_mut().push(text.shared());
                Ok(text)
            };
            let Prepare { host, facts, blobs, entropy, .. } = *ctx;
            (decl.prepare)(&fields, &Prepare { host, facts, blobs, entropy, render: &render })
        };
        let instance = self.prepared_with(self.stand_ins.as_ref()?.values(), resource, make).ok()?;
        shipped.into_inner().iter().for_each(|text| digest.part(text.as_bytes()));
        Some((instance, digest.end()))
    }

    fn digest_datum(&self, datum: &Datum, digest: &mut Digesting) {
        match datum {
            Datum::Scalar { text, plain } => {
                digest.part(&[0, u8::from(*plain)]);
                digest.part(text.as_str().as_bytes());
                // It may name a shipped file.
                if let Some(blob) = self.bundle.blobs.iter().find(|blob| *blob.path == *text.as_str()) {
                    digest.part(&digest::sha256(&blob.content));
                }
            }
            Datum::List(items) => {
                digest.part(&[1]);
                digest.part(&(items.len() as u64).to_be_bytes());
                items.iter().for_each(|item| self.digest_datum(item, digest));
            }
            Datum::Map(entries) => {
                digest.part(&[2]);
                digest.part(&(entries.len() as u64).to_be_bytes());
                for (key, value) in entries {
                    digest.part(key.as_bytes());
                    self.digest_datum(value, digest);
                }
            }
        }
    }
}

/// Returns the digest of what an observation found.
fn found(key: &ProofKey, instance: &dyn Instance, outputs: &Outputs) -> [u8; 32] {
    let mut digest = key.digest("vigo proof, found, v1");
    match instance.evidence() {
        Some(evidence) => digest.part(evidence.as_bytes()),
        None => {
            for (op, output) in outputs.iter() {
                digest.part(format!("{op:?}").as_bytes());
                answer(output, &mut digest);
            }
        }
    }
    digest.end()
}

fn answer(output: &OpOutput, digest: &mut Digesting) {
    match output {
        OpOutput::File { meta, content } => {
            digest.part(format!("file {:?}", meta.lasting()).as_bytes());
            digest.part(content);
        }
        OpOutput::Hash { meta, sha256 } => {
            digest.part(format!("hash {:?}", meta.lasting()).as_bytes());
            digest.part(sha256);
        }
        OpOutput::Stat(meta) => digest.part(format!("stat {:?}", meta.lasting()).as_bytes()),
        OpOutput::Dir(entries) => {
            for entry in entries {
                digest.part(format!("entry {} {:?}", entry.path, entry.meta.lasting()).as_bytes());
            }
        }
        other => digest.part(format!("{other:?}").as_bytes()),
    }
}

/// Returns whether a secret, or what stands in for one, is in what a program is told.
fn has_secret(op: &Op) -> bool {
    let Op::Run(Command { args, stdin, env, secret_file, .. }) = op else { return false };
    let mut texts = args.iter().chain(stdin).chain(secret_file).chain(env.iter().map(|(_, text)| text));
    texts.any(|text| text.secret_path().is_some())
}

fn also(mut why: Problem, more: &str) -> Problem {
    why.message = format!("{}; {more}", why.message);
    why
}
