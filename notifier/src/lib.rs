//! Sends the mail that an mp3 is ready.
//!
//! A message of the broker is only a wake-up: the conversion document says whether a mail is due, and a claim in it
//! keeps two notifiers from sending the same one. At least once; a second copy has the same `Message-ID`.

mod config;
mod deliver;
pub mod html;
mod inbox;
mod letter;
mod mail;
mod server;

pub use config::Config;
pub use inbox::{Inbox, Mail};
pub use mail::FOLDER_SCHEME;
pub use server::{Notifier, Parts, start};
