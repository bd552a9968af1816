//! The file that an engine fills with decoded audio where it normalizes, and what it takes of the spool's budget.

use std::{fs::File, time::Duration};

use tokio::time::sleep;

use crate::{App, error::Error, options::Options, permits::Permit};

/// How often a growing file is looked at while the engine says nothing.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The scratch file of one conversion; absent where none is needed. It has no name, so it ends with its last user.
pub(super) struct Scratch<'a> {
    file: Option<File>,
    permit: &'a mut Permit,
    /// What the video itself takes of the spool.
    video_bytes: u64,
}

/// An empty file for the engine to fill, where the options ask for what needs one.
pub(super) fn create(app: &App, options: &Options) -> Result<Option<File>, Error> {
    options.normalize.map(|_| tempfile::tempfile_in(&app.spool_dir)).transpose().map_err(Error::unavailable)
}

impl<'a> Scratch<'a> {
    /// Watches the file that an engine was given; the permit pays for it, and for the video's spool of `video_bytes`.
    pub(super) fn new(file: Option<File>, permit: &'a mut Permit, video_bytes: u64) -> Self {
        Self { file, permit, video_bytes }
    }

    /// Takes of the spool what the file has grown to.
    pub(super) fn charge(&mut self) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        let bytes = file.metadata().map_err(Error::unavailable)?.len();
        self.permit.spool(self.video_bytes.saturating_add(bytes))
    }

    /// Charges again and again; ends only with an error. The engine's own words are no clock for this: one that fell
    /// silent may still write.
    pub(super) async fn watch(&mut self) -> Error {
        loop {
            sleep(LOOK_EVERY).await;
            if let Err(error) = self.charge() {
                return error;
            }
        }
    }
}
