//! The `ID3` tag before the audio.

use id3::{
    Tag, TagLike as _, Version,
    frame::{Picture as Frame, PictureType},
};

use super::{Picture, Tags};
use crate::control::{Refusal, RefusalKind};

impl Tags {
    /// `ID3v2.4`, at most [`super::PICTURE_BYTES_MAX`] and a few KiB; empty where there is nothing to say.
    pub(in crate::transcode) fn to_id3(&self) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        if *self == Self::default() {
            return Ok(bytes);
        }
        self.frames()
            .write_to(&mut bytes, Version::Id3v24)
            .map_err(|cause| Refusal::new(RefusalKind::Internal, format!("the tag could not be written: {cause}")))?;
        Ok(bytes)
    }

    fn frames(&self) -> Tag {
        let Self { title, artist, album, track_number, date, picture } = self;
        let mut tag = Tag::new();
        for (id, text) in [("TIT2", title), ("TPE1", artist), ("TALB", album), ("TDRC", date)] {
            if let Some(text) = text {
                tag.set_text(id, text);
            }
        }
        if let Some(number) = track_number {
            tag.set_track(u32::from(*number));
        }
        if let Some(Picture { media_type, bytes }) = picture {
            tag.add_frame(Frame {
                mime_type: (*media_type).to_owned(),
                picture_type: PictureType::CoverFront,
                description: String::new(),
                data: bytes.clone(),
            });
        }
        tag
    }
}
