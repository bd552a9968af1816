//! `GET /problems/{name}`: what a problem's `type` means, in a paragraph.

use actix_web::{HttpResponse, web::Path};

use crate::error::Error;

const BAD_REQUEST: &str = "The request is malformed or an option is out of its range; the detail names it. Sending \
    the same request again gives the same answer.";
const EMPTY_BODY: &str = "No video came. Send it as the body of the request, or as the one file of a form.";
const UNAUTHORIZED: &str = "The token is missing, wrong or expired, or its user is gone. POST /login gives a new one.";
const FORBIDDEN: &str = "The token is good, but its user may not do this.";
const WRONG_PASSWORD: &str = "The old password is not the user's password.";
const USER_EXISTS: &str = "There is a user with this name already.";
const LAST_ADMIN: &str = "Without this user there would be no administrator left; make another one first.";
const TOO_MANY_REQUESTS: &str = "Too many wrong passwords came for this user or from this address. Try again after \
    Retry-After.";
const NOT_FOUND: &str = "There is nothing with this address, id or name, or it belongs to somebody else.";
const METHOD_NOT_ALLOWED: &str = "The address exists and takes other methods; the header Allow lists them.";
const CLIENT_STOPPED: &str = "The upload stopped, was too slow, or broke off before its end. Nothing was stored.";
const IN_PROGRESS: &str = "An upload with this Idempotency-Key is still running, or waits in the queue. \
    GET /conversions?key=KEY shows it.";
const NOT_READY: &str = "The conversion has not ended yet. GET /conversions/ID with Prefer: wait=30 waits for it.";
const CONVERSION_FAILED: &str = "The conversion ended without an mp3; GET /conversions/ID says why.";
const CANCELLED: &str = "The conversion was deleted while it ran, or another request took it over.";
const TOO_LARGE: &str = "The video is larger than this service takes (UPLOAD_BYTES_MAX), or it must keep \
    more on disk than the spool takes (SPOOL_BYTES_MAX): a format that is spooled, or decoded audio to normalize.";
const UNKNOWN_CONTAINER: &str = "The bytes are no video or audio file that is known, whatever the file is called.";
const UNPROCESSABLE: &str = "The file is known and no mp3 can be made of it: it has no audio track, its codec is not \
    supported, it is cut off or damaged, too long, a mere playlist, or the range asked for lies behind its end. \
    The same file gives the same answer.";
const KEY_REUSED: &str = "This Idempotency-Key was used for another request. Use a fresh key for each upload, and the \
    same one only to repeat it. Without Content-Digest the content itself is not compared.";
const KEY_DELETED: &str =
    "The conversion of this Idempotency-Key was deleted; its key is taken for a while. Use another.";
const RANGE_OUTSIDE: &str = "The mp3 is shorter than the range; Content-Range says how long it is.";
const WRONG_HOST: &str = "A gateway on loopback answers only to its own names (ALLOWED_HOSTS), so that no web site \
    reaches it by a name of its own.";
const TOO_MANY_UPLOADS: &str = "Too many uploads of this user are in flight (UPLOADS_PER_USER_MAX). Try again when \
    one is over.";
const TOO_MANY_DOWNLOADS: &str = "Too many downloads of this user are in flight (DOWNLOADS_PER_USER_MAX). Try again when \
    one is over.";
const TOO_MANY_QUEUED: &str = "Too many uploads of this user wait in the queue (QUEUED_PER_USER_MAX). Nothing of the body \
    was read. Try again when one has ended; a mail tells of each mp3.";
const QUEUE_FULL: &str = "Too many uploads wait in the queue (QUEUE_MAX), or their videos are too large together \
    (QUEUE_BYTES_MAX). Nothing of the body was read. Try again after Retry-After, or without Prefer: respond-async.";
const BUSY: &str = "All conversions that may run are running, or disk is short. Mostly \
    nothing of the body was read; only a full spool shows itself later. Try again after Retry-After.";
const DRAINING: &str = "This instance is shutting down and takes nothing new. Try again; another one answers.";
const UNAVAILABLE: &str = "A service or store behind the gateway does not answer. Try again after Retry-After.";
const OUTCOME_UNKNOWN: &str = "Whether the mp3 was stored, or the video put into the queue, is not known yet. The member id names the conversion: ask \
    GET /conversions/ID, or repeat the request with the same Idempotency-Key.";
const CONVERTER_LOST: &str = "The converter that worked on the video is gone. Send it again after Retry-After, with \
    the same Idempotency-Key if you sent one.";
const TIMED_OUT: &str = "The conversion took longer than the caller waits (CONVERT_TIMEOUT, Request-Deadline-Ms), or \
    its way through the queue longer than it may (QUEUE_TIMEOUT), and was stopped.";
const ENGINE_CRASHED: &str = "The engine ended without a verdict. Nothing was stored, and other conversions go on.";

pub(super) async fn explain(name: Path<String>) -> Result<HttpResponse, Error> {
    let text = match name.as_str() {
        "bad-request" => BAD_REQUEST,
        "empty-body" => EMPTY_BODY,
        "unauthorized" => UNAUTHORIZED,
        "wrong-password" => WRONG_PASSWORD,
        "user-exists" => USER_EXISTS,
        "last-admin" => LAST_ADMIN,
        "forbidden" => FORBIDDEN,
        "not-found" => NOT_FOUND,
        "method-not-allowed" => METHOD_NOT_ALLOWED,
        "client-stopped" => CLIENT_STOPPED,
        "in-progress" => IN_PROGRESS,
        "not-ready" => NOT_READY,
        "conversion-failed" => CONVERSION_FAILED,
        "cancelled" => CANCELLED,
        "too-large" => TOO_LARGE,
        "unknown-container" => UNKNOWN_CONTAINER,
        "no-audio" | "unsupported-codec" | "truncated" | "damaged" | "too-long" | "playlist" | "empty-range"
        | "engine-limits" => UNPROCESSABLE,
        "key-reused" => KEY_REUSED,
        "key-deleted" => KEY_DELETED,
        "range-outside" => RANGE_OUTSIDE,
        "wrong-host" => WRONG_HOST,
        "too-many-uploads" => TOO_MANY_UPLOADS,
        "too-many-downloads" => TOO_MANY_DOWNLOADS,
        "too-many-queued" => TOO_MANY_QUEUED,
        "too-many-requests" => TOO_MANY_REQUESTS,
        "busy" | "disk-short" | "contended" | "permit-gone" => BUSY,
        "queue-full" => QUEUE_FULL,
        "draining" => DRAINING,
        "unavailable" => UNAVAILABLE,
        "outcome-unknown" => OUTCOME_UNKNOWN,
        "converter-lost" => CONVERTER_LOST,
        "timed-out" => TIMED_OUT,
        "engine-crashed" => ENGINE_CRASHED,
        _ => return Err(Error::NotFound),
    };
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(format!("{text}\n")))
}
