//! What a run begins with, before anything is looked at: conditions, attributes, order.

use super::Converge;
use super::prepare::{self, Arranged};
use crate::bundle::BundleResource;
use crate::host::Problem;
use crate::resource::{Datum, Field, FieldValue, Fields};
use crate::secret::SecretNeeds;
use crate::value::Text;
use crate::when::Expr;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A resource as a run finds it at its start.
#[derive(Debug)]
pub struct Foreseen {
    /// Index into the resources of the policy.
    pub resource: usize,
    /// The gate of its crate and its own `when:`, decided by name, traits and clock as far as they go: what is left is
    /// for looks at the machine.
    pub condition: Expr,
    /// Its attributes, rendered and checked; those of a shipped file that is rendered have its text as `content`. `None`
    /// where the condition is false: what will not run is not rendered.
    pub fields: Option<Result<Fields, Problem>>,
}

impl Converge {
    /// Returns the resources in the order of their turns, as far as it is known without a look at the machine. A secret
    /// stands as `«secret path»` wherever its value would.
    pub fn outlook(mut self) -> Vec<Foreseen> {
        let needed = SecretNeeds::of(&self.bundle).of_name(&self.options.envoy.hostname);
        for path in needed {
            let shown: Arc<str> = format!("«secret {path}»").into();
            self.secrets.known.insert(path.clone(), Text::secret(shown, path));
        }
        self.prepare();
        while let Some(&index) = self.chosen.get(self.nodes.len()) {
            let node = prepare::node(&self, index);
            self.nodes.push(node);
        }
        let Arranged { order, .. } = prepare::arrange(&mut self);
        order.iter().filter_map(|&node| self.outlook_of(node)).collect()
    }

    fn outlook_of(&self, node: u32) -> Option<Foreseen> {
        let node = self.nodes.get(node as usize)?;
        let resource = self.bundle.resources.get(node.resource as usize)?;
        let condition = Expr::and(self.gate_of(resource).into_iter().chain(&node.when).cloned());
        let fields = (condition != Expr::False).then(|| match (node.decl, &node.fields) {
            (Some(decl), Some(_)) => self.fields(resource, decl, true).and_then(|f| self.with_content(resource, f)),
            _ => Err(node.fault.as_deref().cloned().unwrap_or_else(|| Problem::failed("it cannot be rendered"))),
        });
        Some(Foreseen { resource: node.resource as usize, condition, fields })
    }

    /// Adds the rendered text of a shipped file, where `source` names one and there could be `content` in its place.
    fn with_content(&self, resource: &BundleResource, mut fields: Fields) -> Result<Fields, Problem> {
        let is_rendered = fields.bool("render").unwrap_or(true) && fields.decl.attribute("render").is_some();
        let takes_content = fields.decl.attribute("content").is_some() && !fields.is_written("content");
        let source = fields.scalar("source").filter(|s| s.starts_with("templates/"));
        if let Some(path) = source.filter(|_| is_rendered && takes_content) {
            let text = self.rendered_file(resource, path)?;
            let value = FieldValue::Known(Datum::Scalar { text, plain: false });
            let place = fields.place("source");
            fields.items.push(Field { name: "content".into(), value, place });
        }
        Ok(fields)
    }
}
