//! Runs the examples: each asserts what it shows.

#[path = "../examples/own_executor.rs"]
mod own_executor;
#[path = "../examples/resolve_and_plan.rs"]
mod resolve_and_plan;
#[path = "../examples/verify_bundle.rs"]
mod verify_bundle;

#[test]
fn own_executor_converges_and_settles() {
    own_executor::main();
}

#[test]
fn resolve_and_plan_foretells_the_calls() {
    resolve_and_plan::main();
}

#[test]
fn verify_bundle_refuses_what_was_changed() {
    verify_bundle::main();
}
