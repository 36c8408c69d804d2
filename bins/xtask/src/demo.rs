//! x
use crate::failure::Result;
pub fn run(_: &[String]) -> Result<()> {
    crate::workspace::build_vigo(true).map(|_| ())
}
