//! `tapedeck demo`: the whole story in one command, against a running system or one that is started for it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use clap::Parser as _;
use notifier::Mail;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tokio::{process::Command, time::timeout};

use crate::{
    client::{
        Server,
        api::{Api, Converted},
        convert, download,
    },
    console,
    error::Error,
    up::{self, ADMIN, System},
};

/// Length of the video.
const SECONDS: u64 = 5;
/// How far the mp3's length may be off, in milliseconds.
const LENGTH_SLACK_MS: u64 = 60;
/// Longest that ffmpeg may take for it.
const VIDEO_MAX: Duration = Duration::from_mins(1);
/// Longest wait for the mail.
const MAIL_MAX: Duration = Duration::from_secs(20);
/// The end waits for nothing that runs, since nothing does.
const STOP_MAX: Duration = Duration::from_secs(10);
/// Pace of looking into the inbox.
const LOOK: Duration = Duration::from_millis(200);

/// Show the whole story: make a video, upload it, download its mp3, read the mail.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// Start a system of its own, even where one is running.
    #[arg(long)]
    own: bool,
    /// The ffmpeg that makes the video.
    #[arg(long, env = "FFMPEG", default_value = "ffmpeg", value_name = "PROGRAM")]
    ffmpeg: PathBuf,
}

pub async fn run(args: Args) -> Result<(), Error> {
    let folder = tempfile::tempdir().map_err(|cause| Error::Failed(format!("no temporary folder: {cause}")))?;
    let api = args.server.api()?;
    if !args.own && api.send(api.call(Method::GET, "/livez")).await.is_ok() {
        step(format!("a system runs at {}", api.server()));
        match args.server.connect().await {
            Ok(api) => return story(api, &args.ffmpeg, folder.path()).await,
            Err(Error::NotLoggedIn { .. }) => step("nobody is logged in there, so this starts one of its own"),
            Err(error) => return Err(error),
        }
    }
    let system = start(&folder.path().join("data")).await?;
    step(format!("started a system at {}", system.base()));
    let told = async {
        let password = match system.admin() {
            up::Admin::Here { new_password: Some(password) } => password.expose_secret(),
            _ => return Err(Error::Failed("a new system has a new password".to_owned())),
        };
        let api = Api::new(system.base())?;
        let token = api.login(ADMIN, password).await?;
        step(format!("logged in as {ADMIN}; the token is valid for {} s", token.expires_in));
        story(api.with_token(token.token), &args.ffmpeg, folder.path()).await
    };
    let told = told.await;
    system.stop(STOP_MAX).await;
    step("stopped the system");
    told
}

async fn story(api: Api, ffmpeg: &Path, folder: &Path) -> Result<(), Error> {
    let video = folder.join("demo \u{1F3B5}.mp4");
    make_video(ffmpeg, &video).await?;
    let bytes = std::fs::metadata(&video).map_err(|cause| Error::file(&video, cause))?.len();
    step(format!("made a video of {SECONDS} s, {bytes} bytes"));

    let began = Instant::now();
    let converted = convert::upload_quietly(&api, &video).await?;
    let took = began.elapsed().as_millis();
    step(format!("uploaded it; {took} ms later the answer is the id {}", converted.id));

    let mp3 = folder.join("demo.mp3");
    let received = download::download_quietly(&api, &converted, &mp3).await?;
    check(&converted, received, &mp3)?;
    step(format!("downloaded {received} bytes; SHA-256, length and format are right"));

    match mail_about(&api, &converted.id).await? {
        Some(mail) => step(format!("the mail is there: {:?} to {}", mail.subject, mail.to)),
        None => step("the mail is on its way; this system shows no inbox to this user"),
    }
    api.send(api.call(Method::DELETE, &format!("/conversions/{}", converted.id))).await?;
    step("deleted the conversion; everything works");
    Ok(())
}

fn step(text: impl std::fmt::Display) {
    console::result(format!("* {text}"));
}

async fn start(data: &Path) -> Result<System, Error> {
    #[derive(clap::Parser)]
    struct Own {
        #[command(flatten)]
        args: up::Args,
    }
    let data = format!("--data={}", data.display());
    let own = Own::try_parse_from(["tapedeck up", "--listen=127.0.0.1:0", &data]);
    let own = own.map_err(|refused| Error::Failed(format!("the environment holds a wrong setting: {refused}")))?;
    // The demonstration leaves no trace in servers that the environment names.
    let args = up::Args { stores: up::Stores::default(), ..own.args };
    System::start(args).await.map_err(|cause| Error::Failed(format!("{cause:#}")))
}

async fn make_video(ffmpeg: &Path, video: &Path) -> Result<(), Error> {
    let failed = |why: String| Error::Failed(format!("{} could not make a video: {why}", ffmpeg.display()));
    let mut command = Command::new(ffmpeg);
    command
        .args(["-nostdin", "-hide_banner", "-loglevel", "error"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"])
        .args(["-t", &SECONDS.to_string(), "-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"])
        .arg(video)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    match timeout(VIDEO_MAX, command.output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Ok(Err(cause)) => Err(failed(cause.to_string())),
        Err(_) => Err(failed(format!("it took longer than {VIDEO_MAX:?}"))),
    }
}

/// The download has checked the SHA-256 already.
fn check(converted: &Converted, received: u64, mp3: &Path) -> Result<(), Error> {
    let head = std::fs::read(mp3).map_err(|cause| Error::file(mp3, cause))?;
    let is_mp3 = head.starts_with(b"ID3") || matches!(head[..], [0xff, second, ..] if second & 0xe0 == 0xe0);
    let off = converted.duration_ms.abs_diff(SECONDS * 1000);
    match (is_mp3, received == converted.bytes, off <= LENGTH_SLACK_MS) {
        (false, ..) => Err(Error::Failed("what was downloaded is no mp3".to_owned())),
        (_, false, _) => Err(Error::Failed(format!("{received} bytes came, {} were stored", converted.bytes))),
        (.., false) => Err(Error::Failed(format!("the mp3 has {} ms", converted.duration_ms))),
        _ => Ok(()),
    }
}

#[derive(Debug, Deserialize)]
struct Inbox {
    mails: Vec<Mail>,
}

/// The mail about a conversion, or nothing where this user sees no inbox.
async fn mail_about(api: &Api, id: &str) -> Result<Option<Mail>, Error> {
    let deadline = Instant::now() + MAIL_MAX;
    loop {
        let call = api.call(Method::GET, "/inbox").query(&[("format", "json")]);
        let inbox: Inbox = match api.read(call).await {
            Ok(inbox) => inbox,
            Err(Error::Refused(problem)) if matches!(problem.status, 403 | 404) => return Ok(None),
            Err(error) => return Err(error),
        };
        if let Some(mail) = inbox.mails.into_iter().find(|mail| mail.id.starts_with(id)) {
            return Ok(Some(mail));
        }
        if Instant::now() >= deadline {
            return Err(Error::Failed(format!("no mail about {id} within {MAIL_MAX:?}")));
        }
        tokio::time::sleep(LOOK).await;
    }
}
