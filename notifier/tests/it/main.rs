//! The notifier over a real embedded store, the in-process broker and a folder of mails.

mod deliveries;
mod letters;
mod post;
