//! The notifier over a real embedded store, with a folder of mails or a mail server; most of it with the in-process broker.

mod amqp;
mod carriers;
mod deliveries;
mod ends;
mod letters;
mod logins;
mod middle;
mod post;
mod scripted;
mod silences;
