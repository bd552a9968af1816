//! `lab store`: blobs through the converter's store against the driver's own GridFS, on one server.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use converter::{
    conversion::{Attempt, BlobId},
    store::{BLOB_PIECE_BYTES, Store},
};
use futures_util::{AsyncReadExt as _, AsyncWriteExt as _, TryStreamExt as _};
use mongodb::{
    Client, Database, IndexModel,
    bson::{Document, doc, oid::ObjectId},
    gridfs::GridFsBucket,
    options::{Acknowledgment, GridFsBucketOptions, IndexOptions, ReadConcern, WriteConcern},
};
use serde_json::json;

use crate::{
    console::{note, say},
    stats::{Samples, float},
};

/// Bytes that the driver gets at once; more does not make it faster.
const SLICE_BYTES: usize = 2 << 20;
/// The driver's bucket, beside the store's own.
const BUCKET: &str = "driver";

/// Settings of `lab store`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The MongoDB to measure, with a database that nobody needs; default: a small one of its own.
    #[arg(long)]
    url: Option<String>,
    /// Rounds, in each of which both write and read.
    #[arg(long, default_value = "9")]
    rounds: usize,
    /// Size of a blob in MiB.
    #[arg(long, default_value = "32")]
    size: usize,
}

/// Both sides of the comparison.
struct Lanes {
    store: Store,
    bucket: GridFsBucket,
    content: Bytes,
}

/// Measures and prints medians of MB/s; the ratio is the store's to the driver's.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(args.rounds > 0 && args.size > 0, "--rounds and --size must be at least 1");
    let own = if args.url.is_none() { Some(testbed::Server::start(testbed::Kind::Mongo)?) } else { None };
    let url = args.url.as_deref().or(own.as_ref().map(testbed::Server::url)).context("a server")?;
    let database = Client::with_uri_str(url).await?.default_database().context("--url must name a database")?;
    let lanes = Lanes {
        store: Store::open(url, "lab").await?,
        bucket: bucket(&database).await?,
        content: (0..args.size << 20).map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1]).collect(),
    };
    let (mut writes, mut reads) = ([vec![], vec![]], [vec![], vec![]]);
    // The first round opens connections and warms the server.
    for round in 0..=args.rounds {
        note(format!("round {round} of {}", args.rounds));
        let (blob, file) = (Attempt::random().mp3(), ObjectId::new());
        // Each goes first in its turn.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        let mut speeds = [[0.0; 2]; 2];
        for lane in order {
            speeds[0][lane] =
                if lane == 0 { lanes.driver_writes(file).await? } else { lanes.store_writes(blob).await? };
        }
        for lane in order {
            speeds[1][lane] = if lane == 0 { lanes.driver_reads(file).await? } else { lanes.store_reads(blob).await? };
        }
        lanes.bucket.delete(file.into()).await?;
        lanes.store.delete_blob(blob).await?;
        if round > 0 {
            for lane in order {
                writes[lane].push(speeds[0][lane]);
                reads[lane].push(speeds[1][lane]);
            }
        }
    }
    report(args, writes, reads);
    Ok(())
}

fn report(args: &Args, writes: [Vec<f64>; 2], reads: [Vec<f64>; 2]) {
    let ([driver_writes, store_writes], [driver_reads, store_reads]) =
        (writes.map(Samples::of), reads.map(Samples::of));
    let (written, read) = (store_writes.median / driver_writes.median, store_reads.median / driver_reads.median);
    say(format!("blobs of {} MiB, {} rounds: median (min – max) in MB/s", args.size, args.rounds));
    say(format!("  write, the driver's GridFS   {driver_writes}"));
    say(format!("  write, the store             {store_writes}   {written:.2} × the driver (goal ≥ 0.8)"));
    say(format!("  read, the driver's GridFS    {driver_reads}"));
    say(format!("  read, the store              {store_reads}   {read:.2} × the driver (goal ≥ 0.8)"));
    say(json!({
        "driver_write_mb_s": driver_writes, "store_write_mb_s": store_writes,
        "driver_read_mb_s": driver_reads, "store_read_mb_s": store_reads,
    }));
}

/// The driver's bucket, as durable as the store's.
async fn bucket(database: &Database) -> anyhow::Result<GridFsBucket> {
    let unique = IndexOptions::builder().unique(true).build();
    let index = IndexModel::builder().keys(doc! { "files_id": 1, "n": 1 }).options(unique).build();
    database.collection::<Document>(&format!("{BUCKET}.chunks")).create_index(index).await?;
    let durable = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    let options = GridFsBucketOptions::builder()
        .bucket_name(BUCKET.to_owned())
        .write_concern(durable)
        .read_concern(ReadConcern::majority())
        .build();
    Ok(database.gridfs_bucket(options))
}

impl Lanes {
    async fn driver_writes(&self, id: ObjectId) -> anyhow::Result<f64> {
        let started = Instant::now();
        let mut upload = self.bucket.open_upload_stream("lab").id(id.into()).await?;
        for slice in self.content.chunks(SLICE_BYTES) {
            upload.write_all(slice).await?;
        }
        upload.close().await?;
        Ok(self.speed(started))
    }

    async fn store_writes(&self, id: BlobId) -> anyhow::Result<f64> {
        let started = Instant::now();
        let mut writer = self.store.create_blob(id).await?;
        let mut left = self.content.clone();
        while !left.is_empty() {
            writer.write(left.split_to(left.len().min(BLOB_PIECE_BYTES))).await?;
        }
        writer.finish(Some((0, Bytes::from_static(b"head")))).await?;
        Ok(self.speed(started))
    }

    async fn driver_reads(&self, id: ObjectId) -> anyhow::Result<f64> {
        let started = Instant::now();
        let mut download = self.bucket.open_download_stream(id.into()).await?;
        let (mut piece, mut bytes) = (vec![0; BLOB_PIECE_BYTES], 0);
        loop {
            match download.read(&mut piece).await? {
                0 => break,
                n => bytes += n,
            }
        }
        ensure!(bytes == self.content.len(), "the driver read {bytes} bytes");
        Ok(self.speed(started))
    }

    async fn store_reads(&self, id: BlobId) -> anyhow::Result<f64> {
        let started = Instant::now();
        let pieces = self.store.read_blob(id, 0..=self.content.len() as u64 - 1).await?;
        let bytes = pieces.try_fold(0, async |bytes, piece| Ok(bytes + piece.len())).await?;
        ensure!(bytes == self.content.len(), "the store read {bytes} bytes");
        Ok(self.speed(started))
    }

    /// MB/s since then.
    fn speed(&self, since: Instant) -> f64 {
        float(self.content.len()) / 1e6 / since.elapsed().as_secs_f64()
    }
}
