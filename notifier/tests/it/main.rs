//! The notifier over a real embedded store and a folder of mails; most of them with the in-process broker.

mod amqp;
mod deliveries;
mod letters;
mod post;
