//! `tapedeck list` and `tapedeck delete`, and the state of one conversion.

use std::time::Duration;

use indicatif::DecimalBytes;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Server,
    api::{Api, CALL_TIMEOUT, Upload},
};
use crate::{console, error::Error};

/// What a caller would like of an answer (RFC 7240).
pub(super) const PREFER: &str = "prefer";

/// List your conversions, newest first.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    server: Server,
    /// As one line of JSON for each.
    #[arg(long)]
    json: bool,
}

/// Delete conversions and their mp3s; those that run or wait in the queue are cancelled.
#[derive(Debug, clap::Args)]
pub struct DeleteArgs {
    #[command(flatten)]
    server: Server,
    /// Ids of conversions.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

/// One conversion, with what this program shows of it; `--json` passes the rest on.
#[derive(Debug, Deserialize, Serialize)]
pub struct Listed {
    pub id: String,
    pub filename: String,
    pub state: String,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Page {
    conversions: Vec<Listed>,
    #[serde(default)]
    next: Option<String>,
}

pub async fn list(args: ListArgs) -> Result<(), Error> {
    let api = args.server.connect().await?;
    let mut cursor = None::<String>;
    loop {
        let call = api.call(Method::GET, "/conversions").query(&cursor.as_ref().map(|cursor| [("cursor", cursor)]));
        let page: Page = api.read(call).await?;
        for conversion in page.conversions {
            console::result(if args.json {
                serde_json::to_string(&conversion).unwrap_or_default()
            } else {
                line(&conversion)
            });
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

pub async fn delete(args: DeleteArgs) -> Result<(), Error> {
    let api = args.server.connect().await?;
    let mut first_failure = None;
    for id in &args.ids {
        let deleted = match check(id) {
            Ok(()) => api.send(api.call(Method::DELETE, &format!("/conversions/{id}"))).await.map(drop),
            Err(refused) => Err(refused),
        };
        match deleted {
            Ok(()) => console::note(format!("{id}: deleted")),
            Err(error) => {
                console::note(format!("{id}: {error}"));
                first_failure.get_or_insert(error);
            }
        }
    }
    first_failure.map_or(Ok(()), |failure| Err(Error::Shown(Box::new(failure))))
}

/// One conversion of the caller.
pub(super) async fn get(api: &Api, id: &str) -> Result<Listed, Error> {
    check(id)?;
    api.read(api.call(Method::GET, &format!("/conversions/{id}"))).await
}

/// How far a conversion of the caller is: once it has ended, or after `held`.
pub(super) async fn look(api: &Api, id: &str, held: Duration) -> Result<Upload, Error> {
    check(id)?;
    let call = api.long_call(Method::GET, &format!("/conversions/{id}")).timeout(held + CALL_TIMEOUT);
    api.read(call.header(PREFER, format!("wait={}", held.as_secs()))).await
}

/// An id goes into an address, so it has to be one.
fn check(id: &str) -> Result<(), Error> {
    let id: Result<converter::conversion::ConversionId, _> = id.parse();
    id.map(drop).map_err(|why| Error::Usage(why.to_owned()))
}

fn line(conversion: &Listed) -> String {
    let mp3 = conversion.more.get("mp3").and_then(Value::as_object).unwrap_or(&conversion.more);
    let number = |name: &str| mp3.get(name).and_then(Value::as_u64);
    let size = number("bytes").map_or_else(String::new, |bytes| DecimalBytes(bytes).to_string());
    let seconds = number("duration_ms").map(|ms| ms / 1000);
    let length = seconds.map_or_else(String::new, |s| format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60));
    // A file name must not move the cursor.
    let name: String = conversion.filename.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let why = conversion.more.get("failure").and_then(|failure| failure.get("title")).and_then(Value::as_str);
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    format!("{}  {:8}  {length:>8}  {size:>10}  {name}{why}", conversion.id, conversion.state)
}
