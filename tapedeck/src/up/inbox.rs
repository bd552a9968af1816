//! `/inbox`: the mails that a system on loopback keeps in a folder. Only the admin reads them.

use std::{fmt::Write as _, path::Path};

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, Query, ServiceConfig},
};
use chassis::{Problem, serve::resource};
use gateway::Admin;
use notifier::{Inbox, Mail, html::escape};
use serde::Deserialize;
use serde_json::json;

/// Mails on the page.
const MAILS_MAX: usize = 100;

/// The page needs no script, and mails must not bring one.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Debug, Deserialize)]
struct Form {
    format: Option<String>,
}

/// The route.
pub(super) fn routes(folder: &Path) -> impl Fn(&mut ServiceConfig) + Clone + Send + Sync + 'static {
    let inbox = Inbox::new(folder);
    move |config| {
        let inbox = Data::new(inbox.clone());
        config.service(resource("/inbox", "GET").app_data(inbox).route(web::get().to(show)));
    }
}

async fn show(_: Admin, inbox: Data<Inbox>, form: Query<Form>) -> Result<HttpResponse, Problem> {
    let mails = inbox.list(MAILS_MAX).await.map_err(|cause| {
        tracing::error!(%cause, "the mail folder cannot be read");
        Problem::new(500, "about:blank", "Internal Server Error", "the mail folder cannot be read")
    })?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(match form.format.as_deref() {
        Some("json") => answer.json(json!({"mails": mails})),
        _ => answer
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .content_type("text/html; charset=utf-8")
            .body(page(&mails)),
    })
}

fn page(mails: &[Mail]) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Inbox</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>:root{color-scheme:light dark}\
         body{font:1rem/1.5 system-ui;max-width:45rem;margin:2rem auto;padding:0 1rem}\
         article{border-top:1px solid;padding:1rem 0}pre{white-space:pre-wrap;font:inherit}</style><h1>Inbox</h1>",
    );
    if mails.is_empty() {
        page.push_str("<p>No mail yet. One comes with every finished mp3.</p>");
    }
    for mail in mails {
        let Mail { to, subject, date, text, .. } = mail;
        let (to, subject, date, text) = (escape(to), escape(subject), escape(date), escape(text));
        let _ = write!(
            page,
            "<article><h2>{subject}</h2><p>To {to}, <time datetime=\"{date}\">{date}</time></p><pre>{text}</pre>"
        );
        if let Some(link) = &mail.link {
            let _ = write!(page, "<p><a href=\"{}\">Download</a></p>", escape(link));
        }
        page.push_str("</article>");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_brings_no_markup_into_the_page() {
        let text = "<script>alert(1)</script>".to_owned();
        let mail = Mail {
            id: String::new(),
            to: text.clone(),
            subject: text.clone(),
            date: "\"onclick=".to_owned(),
            link: Some("http://a/\"onclick=".to_owned()),
            text,
        };
        let page = page(&[mail]);
        assert!(!page.contains("<script") && !page.contains("\"onclick"), "{page}");
    }
}
