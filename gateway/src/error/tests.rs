use super::*;

#[test]
fn a_wait_belongs_to_every_429_502_503_and_504() {
    for error in [
        Error::TooManyUploads(4),
        Error::TooManyDownloads(16),
        Error::TooManyQueued(100),
        Error::QueueFull(1000),
        Error::QueueHeavy(1),
        Error::Busy(1),
        Error::NoConverter,
        Error::Draining,
        Error::OutcomeUnknown(ConversionId::random()),
        Error::ConverterLost,
        Error::TimedOut,
        Error::Unavailable(store::Error::BlobMissing),
    ] {
        assert!(error.problem().retry_after.is_some(), "{error:?}");
    }
}

#[test]
fn a_document_that_cannot_be_read_is_no_outage() {
    let cause = anyhow::anyhow!("of a newer version");
    let problem = Error::from(store::Error::Unreadable { id: ConversionId::random(), cause }).problem();
    assert_eq!((problem.status, problem.retry_after), (500, None));
    assert_eq!(Error::from(store::Error::BlobMissing).problem().status, 503);
}

#[test]
fn a_challenge_belongs_to_every_401() {
    for error in [Error::NoToken, Error::BadToken("expired".into()), Error::BadLogin { challenge: "Basic" }] {
        let response = error.error_response();
        assert_eq!(response.status(), 401);
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE), "{error:?}");
    }
}
