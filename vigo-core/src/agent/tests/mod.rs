mod believe;
mod clock;
mod fleet;
mod hold;
mod reports;
mod rig;
mod secrets;
mod talk;
