//! Requests that are answered before their body was read.
//!
//! actix drains an unread chunked body without limit once its payload is dropped, so a client that never ends it would
//! hold its connection for ever. Kept alive inside the response, the payload makes actix close the connection instead,
//! after listening for a moment so that the client can read the answer.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage as _,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::header,
};
use bytes::Bytes;
use futures_util::Stream;

/// A request's payload, shared between its handler and its response.
#[derive(Clone)]
pub(crate) struct Unread(Rc<RefCell<Payload>>);

/// Keeps the payload of a request that has a body; the handler reads it all the same.
pub(crate) fn keep(request: &mut ServiceRequest) -> Option<Unread> {
    let headers = request.headers();
    let is_empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    if is_empty && !headers.contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let unread = Unread(Rc::new(RefCell::new(request.take_payload())));
    request.set_payload(Payload::Stream { payload: Box::pin(unread.clone()) });
    Some(unread)
}

/// Holds the payload until the response is sent.
pub(crate) fn hold(response: ServiceResponse<BoxBody>, unread: Option<Unread>) -> ServiceResponse<BoxBody> {
    match unread {
        Some(unread) => response.map_body(|_, body| BoxBody::new(Holding { body, _unread: unread })),
        None => response,
    }
}

impl Stream for Unread {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

struct Holding {
    body: BoxBody,
    _unread: Unread,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
