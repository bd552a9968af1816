//! The `ID3` tag before the audio.

mod seek_points;
pub(super) mod xing;

use id3::{Tag, TagLike as _, Version};

use crate::{
    control::{Refusal, RefusalKind},
    options::Options,
};

/// `ID3v2.4` with the title and artist that were asked for; empty where there is neither.
pub(super) fn id3(options: &Options) -> Result<Vec<u8>, Refusal> {
    let Options { title, artist, .. } = options;
    let mut bytes = Vec::new();
    if title.is_none() && artist.is_none() {
        return Ok(bytes);
    }
    let mut tag = Tag::new();
    if let Some(title) = title {
        tag.set_title(title);
    }
    if let Some(artist) = artist {
        tag.set_artist(artist);
    }
    tag.write_to(&mut bytes, Version::Id3v24)
        .map_err(|cause| Refusal::new(RefusalKind::Internal, format!("the tag could not be written: {cause}")))?;
    Ok(bytes)
}
