//! Conditions: who decides each part, and what is left for the agent.

use super::super::facts::CrateFacts;
use super::super::instances::{self, Context, CrateInstance, Instances};
use super::super::render::{self, PublishData};
use super::super::trace::Setting;
use crate::config::Case;
use crate::secret;
use crate::source::Node;
use crate::when::{self, Call, Expr, ReferenceKind, Side};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A condition, before and after the server folded it.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The crate, or `crate/name`.
    pub id: Arc<str>,
    /// What it is of.
    pub kind: ConditionKind,
    /// As written; of the arms of roles what they come to together.
    pub written: String,
    /// Where it stands; that of arms is the first mention of the crate.
    pub set: Setting,
    /// Its builtins in their order, with what the server says of each.
    pub parts: Vec<ConditionPart>,
    /// The variables in it with their values, as people may see them.
    pub variables: Vec<(String, String)>,
    /// Whether `changed` is in it: the resource is a handler.
    pub changed: bool,
    /// What is left for the agent; `True` and `False` were decided by the server.
    pub residual: Expr,
}

/// What a condition is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConditionKind {
    /// The arms of roles by which a crate came.
    Arms,
    /// A crate's `when:`.
    Gate,
    /// A resource's `when:`.
    When,
    /// An arm of a resource's `case:`.
    Case,
}

/// One builtin of a condition.
#[derive(Clone, Debug)]
pub struct ConditionPart {
    /// Its text, templates rendered.
    pub text: String,
    /// Who decides it.
    pub side: Side,
    /// What the server makes of it, where it decides: `true`, `false`, or the condition of a crate.
    pub folded: Option<Expr>,
}

/// Returns every condition of the host, crate by crate.
pub(super) fn of_host(cx: &mut Context<'_, '_>, instances: &Instances<'_, '_>) -> Vec<Condition> {
    let mut found = Vec::new();
    for krate in &instances.crates {
        let vars = instances.scopes.get(krate.scope).cloned().unwrap_or_default();
        let item = krate.item.as_ref();
        let user = krate.krate.user;
        let own = PublishData {
            vars: &vars,
            item: item.map(|i| &i.value),
            index: item.map_or(0, |i| i.index),
            outer: None,
            user,
        };
        arms(cx, krate, &own, &mut found);
        if let Some((expr, node)) = &krate.krate.when {
            found.extend(one(cx, krate.name(), ConditionKind::Gate, expr, *node, &own));
        }
        for i in krate.resources.iter().filter_map(|&i| instances.all.get(i as usize)) {
            let shown = i.item.as_ref().or(item);
            let data = PublishData {
                vars: &vars,
                item: shown.map(|i| &i.value),
                index: shown.map_or(0, |i| i.index),
                outer: item.map(|i| &i.value),
                user,
            };
            if let Some((expr, node)) = &i.resource.when {
                found.extend(one(cx, i.id.clone(), ConditionKind::When, expr, *node, &data));
            }
            if let Some(Case::Arms(arms)) = &i.resource.case {
                for arm in arms {
                    if let Some(expr) = &arm.when {
                        found.extend(one(cx, i.id.clone(), ConditionKind::Case, expr, arm.node, &data));
                    }
                }
            }
        }
    }
    found
}

/// Adds the condition of the arms by which a crate came, if it has one.
fn arms(cx: &Context<'_, '_>, krate: &CrateInstance<'_, '_>, data: &PublishData<'_>, into: &mut Vec<Condition>) {
    let member = cx.set.index.get(&krate.krate.name).and_then(|&at| cx.set.members.get(at));
    let Some(member) = member.filter(|m| m.condition != Expr::True) else { return };
    into.push(Condition {
        id: krate.name(),
        kind: ConditionKind::Arms,
        written: member.condition.to_string(),
        set: member.reasons.first().cloned().unwrap_or_default(),
        parts: parts(cx, &member.condition, data),
        variables: Vec::new(),
        changed: false,
        residual: cx.facts.conditions.get(&krate.krate.name).cloned().unwrap_or(Expr::True),
    });
}

fn one(
    cx: &mut Context<'_, '_>,
    id: Arc<str>,
    kind: ConditionKind,
    written: &Expr,
    node: Node<'_>,
    data: &PublishData<'_>,
) -> Option<Condition> {
    let mut variables = Vec::new();
    let mut hook = |source: &str| {
        let value = render::template_value(source, data);
        variables.extend(value.as_ref().ok().map(|value| (source.to_string(), secret::shown_value(value))));
        value
    };
    let rendered = written.render(&mut hook).ok()?;
    for r in rendered.references() {
        if matches!(r.kind, ReferenceKind::Variable | ReferenceKind::PlainVariable) {
            let value = data.vars.at(&r.name);
            variables.push((r.name.to_string(), value.map_or_else(|| "not there".into(), secret::shown_value)));
        }
    }
    variables.dedup();
    let (changed, rest) = when::split_changed(written);
    let residual = rest.map_or(Some(Expr::True), |rest| instances::folded(cx, &rest, node, data))?;
    Some(Condition {
        id,
        kind,
        written: node.text().unwrap_or_default().into(),
        set: Setting::at("when", node),
        parts: parts(cx, &rendered, data),
        variables,
        changed,
        residual,
    })
}

fn parts(cx: &Context<'_, '_>, expr: &Expr, data: &PublishData<'_>) -> Vec<ConditionPart> {
    let facts = CrateFacts { class: cx.facts, vars: data.vars };
    let mut parts: Vec<ConditionPart> = Vec::new();
    expr.each_call(&mut |call: &Call| {
        let text = call.to_string();
        if parts.iter().any(|p| p.text == text) {
            return;
        }
        let (side, is_trigger) = (call.builtin.side(), when::split_changed(&of(call)).0);
        let folded = (side == Side::Server && !is_trigger).then(|| when::fold(&of(call), &facts));
        parts.push(ConditionPart { text, side, folded });
    });
    parts
}

fn of(call: &Call) -> Expr {
    Expr::Call(Arc::new(call.clone()))
}
