//! Every bound, with its unit and its reason.

/// Bytes of a hostname glob: a hostname has at most 253, and its automaton must fit a set of 512 states.
pub const GLOB_BYTES_MAX: usize = 480;
/// Levels of `{…{…}…}` in a glob: the reader recurses.
pub const GLOB_LEVELS_MAX: usize = 8;
/// Pairs of states that the test whether one glob covers another looks at before it gives up and says no.
pub const GLOB_COVER_STEPS_MAX: usize = 4096;
/// Bytes of a trait's path.
pub const TRAIT_PATH_BYTES_MAX: usize = 1024;
/// Levels of maps and lists in a set of traits: custom traits have 8, below `custom.<stem>`; code that walks recurses.
pub const TRAIT_LEVELS_MAX: usize = 16;
/// Bytes of a `when:` text: more than anyone reads.
pub const WHEN_BYTES_MAX: usize = 4096;
/// Levels of `!` and `(` in a `when:` text: the reader recurses.
pub const WHEN_LEVELS_MAX: usize = 64;
/// Builtins in a `when:` text: each may be a look at the machine.
pub const WHEN_CALLS_MAX: usize = 256;
/// Bytes of an expression in a bundle, where conditions of arms were put in and joined.
pub const WHEN_BUNDLE_BYTES_MAX: usize = 65_536;
/// Levels of an expression in a bundle: a `when:`, with an arm's condition for a `has_configcrate`, with room.
pub const WHEN_BUNDLE_LEVELS_MAX: usize = 192;
/// Builtins of an expression in a bundle.
pub const WHEN_BUNDLE_CALLS_MAX: usize = 4096;
