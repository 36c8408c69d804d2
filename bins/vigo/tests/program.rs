//! What a server sees of the agent's program without running it.

use vigo_core::bundle::ProgramReader;

#[test]
fn the_program_says_what_it_is() {
    let mut reader = ProgramReader::default();
    std::fs::read(env!("CARGO_BIN_EXE_vigo")).unwrap().chunks(1 << 20).for_each(|piece| reader.feed(piece).unwrap());
    let manifest = reader.finish(None).unwrap();
    assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest.target.to_string(), format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH));
}
