//! After a run: is everything there that was promised?

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::client::{Client, Receipt, View};
use crate::flow::Flow;

/// Mp3s that are fetched at a time.
const FETCHED_AT_A_TIME: usize = 4;

/// One page of `GET /conversions`.
#[derive(Debug, Deserialize)]
struct Page {
    conversions: Vec<View>,
    next: Option<String>,
}

/// What the system holds of a run.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Acknowledged arrivals whose conversion is gone or has failed, or whose mp3 is not what was said.
    pub(super) lost: HashSet<usize>,
    /// Arrivals whose mp3 is there, with its length.
    pub(super) done: BTreeMap<usize, u64>,
}

/// Reads the list of all conversions and fetches every mp3 that was acknowledged.
pub(super) async fn check(client: &Client, receipts: &[Receipt]) -> anyhow::Result<Checked> {
    let conversions = list(client).await?;
    let mut checked = Checked::default();
    for view in &conversions {
        let Some(number) = number_of(&client.run, &view.filename) else { continue };
        if view.state == "done" {
            checked.done.insert(number, view.bytes.unwrap_or(0));
        }
    }
    let known: HashMap<_, _> = conversions.iter().map(|view| (view.id.as_str(), view)).collect();
    let wrong: Vec<Option<usize>> = stream::iter(receipts)
        .map(async |receipt| {
            let is_right = match known.get(receipt.id.as_str()) {
                Some(view) if view.state == "done" => is_as_said(client, receipt, view).await?,
                // Not ended when the run was over, which is counted as such. All videos are good: none may fail.
                Some(view) => matches!(view.state.as_str(), "queued" | "running"),
                None => false,
            };
            anyhow::Ok((!is_right).then_some(receipt.number))
        })
        .buffer_unordered(FETCHED_AT_A_TIME)
        .try_collect()
        .await?;
    checked.lost = wrong.into_iter().flatten().collect();
    Ok(checked)
}

async fn list(client: &Client) -> anyhow::Result<Vec<View>> {
    let (mut all, mut cursor) = (vec![], None);
    loop {
        let mut get = client.http.get(format!("{}/conversions?limit=100", client.base)).bearer_auth(&client.token);
        if let Some(cursor) = &cursor {
            get = get.query(&[("cursor", cursor)]);
        }
        let page: Page = get.send().await?.error_for_status().context("no list of the conversions")?.json().await?;
        all.extend(page.conversions);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(all),
        }
    }
}

/// Whether the mp3 has the length and the checksum that the system told: with the 201, or in the document where nobody saw the
/// end of a queued one.
async fn is_as_said(client: &Client, receipt: &Receipt, view: &View) -> anyhow::Result<bool> {
    let told = receipt.mp3.clone().or_else(|| view.mp3().filter(|_| client.flow == Flow::Queued));
    let get = client.http.get(format!("{}/download", client.base)).query(&[("fid", &receipt.id)]);
    let answer = get.bearer_auth(&client.token).send().await?;
    if !answer.status().is_success() {
        return Ok(false);
    }
    let mp3 = answer.bytes().await?;
    let sha256 = hex(&Sha256::digest(&mp3));
    Ok(told.is_some_and(|told| told == (sha256, mp3.len() as u64)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Of `{run}-{number}.mp4`.
fn number_of(run: &str, filename: &str) -> Option<usize> {
    filename.strip_prefix(run)?.strip_prefix('-')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_run_and_its_arrival() {
        assert_eq!(number_of("real-queued-050", "real-queued-050-17.mp4"), Some(17));
        assert_eq!(number_of("real-queued-050", "real-queued-0500-17.mp4"), None);
        assert_eq!(number_of("real-queued-050", "warm-17.mp4"), None);
    }
}
