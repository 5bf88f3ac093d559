//! What goes wrong between a program and its server, made to order.

mod durable;
mod process;
mod relay;

pub use durable::DurableServer;
pub use process::Stopped;
pub use relay::{Relay, socket_folder};
