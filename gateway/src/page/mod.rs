//! The web page and the documentation, built into the program: nothing is fetched from elsewhere.

mod problems;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use chassis::{hex, serve};
use sha2::{Digest as _, Sha256};

use crate::conditional;

/// Scripts, styles and sounds come from this origin alone; no other site frames the page.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
/// Asked for again by its tag each time, so that an update shows at once.
const CACHE: &str = "no-cache";
/// Hexadecimal digits of an asset's tag; plenty to tell versions apart.
const TAG_DIGITS: usize = 32;

/// One file of the page.
#[derive(Debug, Clone, Copy)]
struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

const ASSETS: [Asset; 7] = [
    Asset { path: "/", kind: HTML, text: include_str!("assets/index.html") },
    Asset { path: "/app.js", kind: SCRIPT, text: include_str!("assets/app.js") },
    Asset { path: "/style.css", kind: STYLE, text: include_str!("assets/style.css") },
    Asset { path: "/icon.svg", kind: "image/svg+xml", text: include_str!("assets/icon.svg") },
    Asset { path: "/docs", kind: HTML, text: include_str!("assets/docs.html") },
    Asset { path: "/docs.css", kind: STYLE, text: include_str!("assets/docs.css") },
    Asset { path: "/openapi.json", kind: "application/json", text: include_str!("assets/openapi.json") },
];

/// The page's part of the route table.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    for asset in ASSETS {
        let tag = &hex::encode(&Sha256::digest(asset.text))[..TAG_DIGITS];
        let etag: std::rc::Rc<str> = format!("\"{tag}\"").into();
        let get = move |request: HttpRequest| {
            let response = answer(asset, &etag, &request);
            async move { response }
        };
        let resource = serve::resource(asset.path, "GET, HEAD");
        config.service(resource.route(web::get().to(get.clone())).route(web::head().to(get)));
    }
    config.service(serve::resource("/problems/{name}", "GET").route(web::get().to(problems::explain)));
}

fn answer(asset: Asset, etag: &str, request: &HttpRequest) -> HttpResponse {
    let is_fresh = conditional::is_fresh(request.headers(), etag);
    let mut response = if is_fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, etag.to_owned()))
        .insert_header((header::CACHE_CONTROL, CACHE))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"));
    if is_fresh { response.finish() } else { response.content_type(asset.kind).body(asset.text) }
}
