//! HTTP Basic (RFC 7617): a user name and a password in one header.

use actix_web::http::header::{self, HeaderMap};
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::SecretString;

use crate::Error;

/// Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The credentials in UTF-8, split at the first colon: a password may contain more of them (RFC 7617 §2).
pub(crate) fn credentials(headers: &HeaderMap) -> Result<(String, SecretString), Error> {
    let text = of_scheme(headers, "Basic").ok_or(Error::NoLogin)?;
    let bytes = BASE64.decode(text).map_err(|_| Error::NoLogin)?;
    let text = SecretString::from(String::from_utf8(bytes).map_err(|_| Error::NoLogin)?);
    let (username, password) = secrecy::ExposeSecret::expose_secret(&text).split_once(':').ok_or(Error::NoLogin)?;
    Ok((username.to_owned(), password.to_owned().into()))
}

/// What follows `scheme` in `Authorization`; the scheme's case does not matter (RFC 9110 §11.1).
pub(crate) fn of_scheme<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (found, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn parsed(value: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a header"));
        let (username, password) = credentials(&headers).ok()?;
        Some((username, password.expose_secret().to_owned()))
    }

    #[test]
    fn the_first_colon_splits_and_the_text_is_utf_8() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(parsed("Basic YTpiOmM="), pair("a", "b:c"));
        assert_eq!(parsed("basic  YTpiOmM"), pair("a", "b:c"));
        assert_eq!(parsed("Basic em/DqzrDtg=="), pair("zoë", "ö"));
        assert_eq!(parsed("Basic Og=="), pair("", ""));
    }

    #[test]
    fn anything_else_is_no_login() {
        for bad in ["", "Basic", "Basic !!", "Basic YWJj", "Bearer YTpi", "Basic /zo="] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
