//! The tags of a source, as a demuxer of symphonia tells them.

use symphonia::core::{
    formats::{Attachment, FormatReader},
    meta::{MetadataContainer, MetadataRevision, RawValue, StandardTag, StandardVisualKey, Tag, Visual},
};

use super::{
    Picture, Tags,
    text::{date, leading_number, line, track_number},
};

/// The frame of `ID3v2.3` that holds a day without its year, which symphonia takes for a date.
const DAY_AND_MONTH: &str = "TDAT";

impl Tags {
    /// What the demuxer knows now. Newer metadata comes before older, and what is said of all of the media before what
    /// is said of a track; in Matroska every `Tag` element is metadata of its own.
    pub(in crate::transcode) fn of(format: &mut dyn FormatReader) -> Self {
        let (mut media, mut tracks) = (Self::default(), Self::default());
        let mut metadata = format.metadata();
        while let Some(revision) = metadata.current() {
            media = of_container(&revision.media).or(media);
            tracks = of_tracks(revision).or(tracks);
            if metadata.pop().is_none() {
                break;
            }
        }
        let picture = attached(format.attachments());
        media.or(tracks).or(Self { picture, ..Self::default() })
    }
}

fn of_tracks(revision: &MetadataRevision) -> Tags {
    let tracks = revision.per_track.iter().map(|track| of_container(&track.metadata));
    tracks.fold(Tags::default(), Tags::or)
}

fn of_container(container: &MetadataContainer) -> Tags {
    let MetadataContainer { tags, visuals } = container;
    Tags {
        title: standard(tags, |tag| match tag {
            StandardTag::TrackTitle(text) | StandardTag::MovieTitle(text) => line(text),
            _ => None,
        }),
        artist: standard(tags, |tag| match tag {
            StandardTag::Artist(text) => line(text),
            _ => None,
        })
        .or_else(|| {
            standard(tags, |tag| match tag {
                StandardTag::AlbumArtist(text) => line(text),
                _ => None,
            })
        }),
        album: standard(tags, |tag| match tag {
            StandardTag::Album(text) => line(text),
            _ => None,
        })
        .or_else(|| raw(tags, "ALBUM").and_then(line)),
        track_number: standard(tags, |tag| match tag {
            StandardTag::TrackNumber(number) => track_number(*number),
            _ => None,
        })
        .or_else(|| raw(tags, "PART_NUMBER").and_then(leading_number)),
        date: day(tags),
        picture: cover(visuals),
    }
}

/// The recording's date before the release's, and days before years.
fn day(tags: &[Tag]) -> Option<String> {
    let recorded = tags.iter().filter(|tag| tag.raw.key != DAY_AND_MONTH).find_map(|tag| match tag.std.as_ref()? {
        StandardTag::RecordingDate(text) => date(text),
        _ => None,
    });
    let released = || {
        standard(tags, |tag| match tag {
            StandardTag::ReleaseDate(text) | StandardTag::ReleaseTime(text) => date(text),
            _ => None,
        })
    };
    let year = || {
        standard(tags, |tag| match tag {
            StandardTag::RecordingYear(year) | StandardTag::ReleaseYear(year) => date(&format!("{year:04}")),
            _ => None,
        })
    };
    let year = || year().map(|year| within(&year, tags).unwrap_or(year));
    recorded.or_else(released).or_else(year).or_else(|| raw(tags, "DATE").and_then(date))
}

/// The day in a year, where `ID3v2.3` tells it apart: `0605` is the sixth of May.
fn within(year: &str, tags: &[Tag]) -> Option<String> {
    let (day, month) = raw(tags, DAY_AND_MONTH)?.split_at_checked(2)?;
    date(&format!("{year}-{month}-{day}"))
}

fn standard<T>(tags: &[Tag], pick: impl Fn(&StandardTag) -> Option<T>) -> Option<T> {
    tags.iter().filter_map(|tag| tag.std.as_ref()).find_map(pick)
}

/// The text of a Matroska tag for which symphonia knows no standard: muxers write what they know of a track at the level
/// of the album or the movie, which is the format's default (RFC 9559, `TargetTypeValue`).
fn raw<'a>(tags: &'a [Tag], name: &str) -> Option<&'a str> {
    tags.iter().find_map(|tag| match &tag.raw.value {
        RawValue::String(text) if tag.raw.key.rsplit('@').next() == Some(name) => Some(text.as_str()),
        _ => None,
    })
}

/// The front cover, or the first picture that can be taken.
fn cover(visuals: &[Visual]) -> Option<Picture> {
    let is_front = |visual: &&Visual| visual.usage == Some(StandardVisualKey::FrontCover);
    let front = visuals.iter().filter(is_front).find_map(|visual| Picture::of(&visual.data));
    front.or_else(|| visuals.iter().find_map(|visual| Picture::of(&visual.data)))
}

/// In Matroska covers are attached files; the largest one's name begins with `cover.` (RFC 9559, "Cover Art").
fn attached(attachments: &[Attachment]) -> Option<Picture> {
    let files = || {
        attachments.iter().filter_map(|attachment| match attachment {
            Attachment::File(file) => Some(file),
            Attachment::VendorData(_) => None,
        })
    };
    let named = files().filter(|file| file.name.starts_with("cover.")).find_map(|file| Picture::of(&file.data));
    named.or_else(|| files().find_map(|file| Picture::of(&file.data)))
}
