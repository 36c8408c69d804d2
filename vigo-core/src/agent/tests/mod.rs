mod believe;
mod clock;
mod fleet;
mod reports;
mod rig;
mod talk;
