//! What the long help says of the filter. Each paragraph is one line here: it is wrapped to the terminal.

/// For `--help`, below the options. `program` is what the examples call.
pub fn filter_help(program: &str) -> String {
    format!(
        "\
As a filter it reads a video from standard input and writes an mp3 to standard output; both may be pipes or files.

Input: a file is read in place. A pipe is converted while it arrives, unless its format must be sought in (an mp4 with \
its index at the end, AVI): then it is copied into a temporary file first (in TMPDIR). --normalize needs two passes, and \
a temporary file of 21 MB for each minute of 44.1 kHz stereo. Other than in the service, a video may have any number of \
bytes, since it is your own and so is the disk: bound a pipe that may be endless by `head -c`. Its audio is bounded by \
--duration-max.

Output: the length tag, by which players seek, stands at the mp3's start and is known at its end. A file gets it, unless \
it is opened for appending (>>). A pipe cannot get it: the mp3 is whole and plays, a note says that the tag is missing, \
and the exit code is 0.

What is wrong is said in one line on standard error. Standard output may hold the start of an mp3 by then: throw it away.

Exit codes of the filter:
  0  the mp3 is whole
  1  no mp3: the video was refused, cut off or not readable, or the output failed
  2  wrong usage, or an option out of its range

Examples of the filter:
  {program} transcode --quality V2 < in.mkv > out.mp3
  some-program | {program} transcode --bitrate 128 --channels 1 > out.mp3
  {program} transcode --start 60 --end 120 < in.mp4 | ssh host 'cat > minute.mp3'"
    )
}
