//! The notifier over a real embedded store and the in-process broker, with a folder of mails or a mail server.

mod carriers;
mod deliveries;
mod letters;
mod logins;
mod post;
mod scripted;
mod silences;
