//! tmp
use crate::executor::Executor;
use vigo_core::bundle::TraitsWanted;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;
/// tmp
pub fn collect(_: &TraitsWanted, _: &mut Executor) -> TraitSet {
    TraitSet::from_value(Value::map([
        ("os", Value::map([("family", Value::text("debian")), ("distro", Value::text("debian"))])),
        ("init", Value::map([("manager", Value::text("none"))])),
    ]))
    .unwrap()
}
