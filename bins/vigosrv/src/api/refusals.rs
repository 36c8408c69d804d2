//! What a publish gives to envoys whose systems cannot do it: a warning, before they report that it failed.

use super::Context;
use crate::json::core_value;
use crate::publish::{Published, PublishedClass};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use vigo_core::bundle::PolicyBundle;
use vigo_core::converge::Envoy;
use vigo_core::preview::{self, Blank, Refusal, Refusals, Subject};
use vigo_core::time::Timestamp;

/// Warnings of this kind; what comes after them is noise.
const SHOWN: usize = 20;

/// Returns a warning for each thing that the traits of enrolled envoys show to be out of their reach.
pub(super) async fn warnings(context: &Context, published: Published) -> Vec<Value> {
    let now = context.running.now();
    let refusals = Arc::new(Mutex::new(Refusals::default()));
    let into = refusals.clone();
    // Nothing is kept of an envoy but what was found, so that none is answered.
    let looked = context.store.traits_where(None, 1, move |hostname, traits| -> Option<()> {
        let mut refusals = into.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(class) = published.class_of(hostname) {
            look(&mut refusals, class, hostname, traits, now);
        }
        None
    });
    if let Err(error) = looked.await {
        let message = format!("whether all envoys can do what was published is not known: {error}");
        return vec![json!({ "severity": "warning", "message": message })];
    }
    let refusals = std::mem::take(&mut *refusals.lock().unwrap_or_else(PoisonError::into_inner));
    let left_out = refusals.left_out();
    let found = refusals.found();
    let more = found.len().saturating_sub(SHOWN);
    let mut warnings: Vec<Value> = found.iter().take(SHOWN).map(warning).collect();
    let mut note = |count: usize, what: &str| {
        if count > 0 {
            warnings.push(json!({ "severity": "warning", "message": format!("{count} more {what}") }));
        }
    };
    note(more, "resources are asked of envoys that cannot do them");
    note(left_out, "kinds of envoys, by policy and system, were not looked at");
    warnings
}

fn look(refusals: &mut Refusals, class: &PublishedClass, hostname: &str, traits: &str, now: Timestamp) {
    let given = serde_json::from_str(traits).map(core_value).unwrap_or_default();
    let Some(blank) = preview::like(blanks(), &given).filter(|_| refusals.is_new(class.digest, &given)) else { return };
    // A bundle that cannot be read would not have been published; traits that cannot be are not taken.
    let Ok(bundle) = PolicyBundle::decode(&class.bundle.bytes).map(Arc::new) else { return };
    let Ok(traits) = preview::traits(blank, hostname, Some(&given)) else { return };
    let envoy = Envoy { hostname: hostname.into(), id: "".into(), environment: class.environment.clone() };
    let entropy = vigo_driver::entropy(&bundle);
    refusals.look(&bundle, blank, Subject { envoy, traits, now, entropy });
}

fn warning(refusal: &Refusal) -> Value {
    let Refusal { resource, place, cause, machines } = refusal;
    let machines = match &machines[..] {
        [] => String::new(),
        [only] => format!("envoy `{only}`"),
        [first, others @ ..] => format!("envoy `{first}` and {} more kinds of envoys", others.len()),
    };
    let message = format!("`{resource}` at {place} fails on {machines}: {cause}");
    let help = "give it a `when:`, such as `os_family('debian')`, or leave the configcrate away from them";
    json!({ "severity": "warning", "message": message, "help": [help] })
}

/// Returns one machine of each system that Vigo knows.
fn blanks() -> impl Iterator<Item = &'static Blank> + Clone {
    let bsd = vigo_host_bsd::BLANKS.iter().chain(vigo_host_illumos::BLANKS);
    vigo_host_linux::BLANKS.iter().chain(bsd).chain(vigo_host_macos::BLANKS).chain(vigo_host_windows::BLANKS)
}
