//! Two resources of one class for one target.

use super::attributes::{self, Attributes};
use super::instances::{Context, CrateInstance, Instance, Instances};
use super::render::{self, PublishData};
use super::written;
use crate::action::AbsPath;
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::authorized_key::{self, Claim};
use crate::resource::{self, Claim as PathClaim, Field, FieldValue, Fields, Kind};
use crate::secret;
use crate::source::{Node, NodeKind};
use crate::value::{Text, Value};
use crate::when::{Expr, exclusive};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// What to do about two resources for one thing.
const DISAGREE: &str = "remove one of the two, make them agree, or give them conditions that exclude each other";

/// Resources with the same claim to a path that others are compared with: the first ones.
const CLAIMANTS_MAX: usize = 8;

/// A type and what a resource of it is about.
type Thing = (&'static str, Arc<str>);

/// Refuses two steady resources that want different things of one target, unless their conditions exclude each other;
/// where that cannot be seen it warns.
pub(super) fn check(cx: &mut Context<'_, '_>, instances: &Instances<'_, '_>) {
    let mut whole: HashMap<Arc<str>, &Instance<'_, '_>> = HashMap::new();
    let mut single = Vec::new();
    let mut first: HashMap<Thing, (&Instance<'_, '_>, Arc<str>)> = HashMap::new();
    let mut paths: HashMap<AbsPath, Vec<(PathClaim, &Instance<'_, '_>)>> = HashMap::new();
    for instance in instances.all.iter().filter(|i| !i.handler && !i.faulty && i.when != Expr::False) {
        let (Some(decl), Some(fields)) = (instance.decl, short_fields(instances, instance)) else { continue };
        match authorized_key::claim(&fields) {
            Some(Claim::Whole(user)) => drop(whole.insert(user, instance)),
            Some(Claim::OneKey(user)) => single.push((user, instance)),
            None => {}
        }
        if let Some((path, claim)) = resource::claim(&fields) {
            let claims = paths.entry(path.clone()).or_default();
            let others = claims.iter().filter(|(other, i)| !claim.agrees(*other) && differ(i, instance));
            for (other, earlier) in others {
                let what = format!("`{path}`, one {}, the other {}", other.words(), claim.words());
                clash(cx, instances, (earlier, instance), &what, DISAGREE);
            }
            if claims.iter().filter(|(other, _)| *other == claim).count() < CLAIMANTS_MAX {
                claims.push((claim, instance));
            }
        }
        let Some(identity) = (decl.identity)(&fields) else { continue };
        let mut told: Option<&Instance<'_, '_>> = None;
        // A resource about several things has an identity for each.
        for line in identity.split('\n') {
            let key = (decl.name, Arc::from(line));
            let Some(earlier) = first.get(&key) else {
                first.insert(key, (instance, identity.clone()));
                continue;
            };
            let (earlier, whole) = (earlier.0, earlier.1 == identity);
            let about = decl.attributes.first().map(|a| a.name).filter(|_| !whole);
            cx.looked.at_values = true;
            if told.is_some_and(|told| core::ptr::eq(told, earlier)) || agree(instances, earlier, instance, about) {
                continue;
            }
            told = Some(earlier);
            clash(cx, instances, (earlier, instance), &format!("{} `{line}`, with other wishes", decl.name), DISAGREE);
        }
    }
    for (user, instance) in single {
        if let Some(earlier) = whole.get(&user) {
            let what = format!("the authorized_keys of `{user}`, one of them all of it");
            clash(
                cx,
                instances,
                (earlier, instance),
                &what,
                "put the key into `authorized_keys`, or all keys into resources",
            );
        }
    }
}

/// Returns whether two resources are of different types: those of one are compared by their identities.
fn differ(a: &Instance<'_, '_>, b: &Instance<'_, '_>) -> bool {
    a.decl.map(|d| d.name) != b.decl.map(|d| d.name)
}

/// Reports two resources for one thing, unless their conditions exclude each other.
fn clash(
    cx: &mut Context<'_, '_>,
    instances: &Instances<'_, '_>,
    (earlier, later): (&Instance<'_, '_>, &Instance<'_, '_>),
    what: &str,
    help: &str,
) {
    let (a, b) = (condition(instances, earlier), condition(instances, later));
    if exclusive(&a, &b) {
        return;
    }
    let at = |i: &Instance<'_, '_>| i.resource.name.unwrap_or(i.resource.node).span();
    let sure = a == Expr::True && b == Expr::True;
    let code = if sure { Code::DuplicateTarget } else { Code::PossibleDuplicate };
    let verb = if sure { "manage" } else { "may both manage" };
    let message = format!("`{}` and `{}` {verb} {what}", earlier.id, later.id);
    let d = Diagnostic::new(code, at(later), message).at("again here").label(at(earlier), "first here");
    cx.report(d.help(help));
}

fn condition(instances: &Instances<'_, '_>, i: &Instance<'_, '_>) -> Expr {
    let gate = instances.crates.get(i.krate).map_or(Expr::True, |c| c.gate.clone());
    Expr::and([gate, i.when.clone()])
}

/// Returns what templates of the resource see at publish.
fn data<'s>(krate: &'s CrateInstance<'_, '_>, i: &'s Instance<'_, '_>, vars: &'s Value) -> PublishData<'s> {
    let shown = i.item.as_ref().or(krate.item.as_ref());
    PublishData {
        vars,
        item: shown.map(|i| &i.value),
        index: shown.map_or(0, |i| i.index),
        outer: krate.item.as_ref().map(|i| &i.value),
        user: krate.krate.user,
    }
}

/// Returns the attributes as far as they are known without a machine; long texts are pending.
fn short_fields(instances: &Instances<'_, '_>, i: &Instance<'_, '_>) -> Option<Fields> {
    let decl = i.decl?;
    if i.resource.case.is_some() {
        return None;
    }
    let krate = instances.crates.get(i.krate)?;
    let data = data(krate, i, instances.scopes.get(krate.scope)?);
    let all = Attributes::of(krate.krate, i.resource, Some(decl)).settled(Some(decl));
    let mut short = all.clone();
    let long = |name: &str| decl.attribute(name).is_some_and(|a| a.kind == Kind::LongText);
    short.entries.retain(|(name, _)| !long(name));
    let value = |node: Node<'_>| known(node, &data);
    let span = i.resource.node.span();
    let (mut fields, _) = written::fields(krate.krate, i.resource, decl, &short, i.handler, span, value);
    let pending = |name: &str| Field { name: name.into(), value: FieldValue::Pending, place: fields.place };
    let longs: Vec<Field> = all.entries.iter().map(|(name, _)| *name).filter(|name| long(name)).map(pending).collect();
    fields.items.extend(longs);
    Some(fields)
}

fn known(node: Node<'_>, data: &PublishData<'_>) -> FieldValue {
    if written::first_secret(node).is_some() {
        return FieldValue::Pending;
    }
    if !written::has_template(node) {
        return FieldValue::Known(attributes::datum(node));
    }
    match render::text(node, "", data) {
        Ok(text) if !secret::is_marked(&text) && node.text().is_some() => {
            FieldValue::Known(crate::resource::Datum::Scalar { text: Text::plain(&*text), plain: false })
        }
        _ => FieldValue::Pending,
    }
}

/// Returns whether two resources wish the same, as far as that is seen without a machine; `about` names their things,
/// which are the same in part.
fn agree(instances: &Instances<'_, '_>, a: &Instance<'_, '_>, b: &Instance<'_, '_>, about: Option<&str>) -> bool {
    let seen = |i: &Instance<'_, '_>| {
        let krate = instances.crates.get(i.krate)?;
        Some((krate, instances.scopes.get(krate.scope)?))
    };
    let (Some((krate_a, vars_a)), Some((krate_b, vars_b))) = (seen(a), seen(b)) else { return false };
    let (data_a, data_b) = (data(krate_a, a, vars_a), data(krate_b, b, vars_b));
    let same_data =
        (data_a.vars, data_a.item, data_a.outer, data_a.user) == (data_b.vars, data_b.item, data_b.outer, data_b.user);
    let [all_a, all_b] =
        [(krate_a, a), (krate_b, b)].map(|(k, i)| Attributes::of(k.krate, i.resource, i.decl).settled(i.decl));
    let equal = |x: Node<'_>, y: Node<'_>| {
        same(x, y, &|x, y| match (render::text(x, "", &data_a), render::text(y, "", &data_b)) {
            (Ok(x), Ok(y)) => x == y,
            _ => same_data && x.text() == y.text(),
        })
    };
    all_a.entries.len() == all_b.entries.len()
        && all_a
            .entries
            .iter()
            .all(|(name, e)| all_b.get(name).is_some_and(|other| Some(*name) == about || equal(e.value, other)))
}

fn same(a: Node<'_>, b: Node<'_>, texts: &dyn Fn(Node<'_>, Node<'_>) -> bool) -> bool {
    match (a.kind(), b.kind()) {
        (NodeKind::Scalar(..), NodeKind::Scalar(..)) => texts(a, b),
        (NodeKind::List, NodeKind::List) => match (a.list(), b.list()) {
            (Some(a), Some(b)) => a.len() == b.len() && a.zip(b).all(|(a, b)| same(a, b, texts)),
            _ => false,
        },
        (NodeKind::Map(a), NodeKind::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.name == b.name && same(a.value, b.value, texts))
        }
        _ => false,
    }
}
