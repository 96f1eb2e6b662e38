//! What a site answers, and how a fault changes it.

use std::fmt::Write as _;

use serde_json::Value;

use super::fault::Fault;

/// Answer of a site.
pub enum Reply<S> {
    /// An answer in one piece.
    Response(Response),
    /// A list of items, which faults may cut, repeat or reorder.
    Page(Page),
    /// A WebSocket.
    WebSocket(S),
    /// Lines without end, in chunks.
    Lines(S, Vec<(String, String)>),
}

/// Answer in one piece.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// Returns an answer in JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json; charset=utf-8", &body.to_string())
    }

    /// Returns an answer of a media type.
    pub fn text(status: u16, kind: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        Self { status, headers, body: body.as_bytes().to_vec() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

impl<S> From<Response> for Reply<S> {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// List of items in JSON.
#[derive(Debug, Clone)]
pub struct Page {
    pub headers: Vec<(String, String)>,
    /// What stands before the items.
    pub head: String,
    pub items: Vec<String>,
    /// What stands after the items.
    pub tail: String,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    /// The connection breaks before the announced length is reached.
    Broken,
    /// In small chunks.
    Chunked,
    /// In small chunks, slowly.
    Slow,
    Never,
}

impl Page {
    fn with(self, n_items: usize, is_cut: bool) -> Response {
        let mut body = format!("{}{}", self.head, self.items[..n_items].join(","));
        if !is_cut {
            body.push_str(&self.tail);
        } else if let Some(item) = self.items.get(n_items) {
            let half = (0..=item.len() / 2).rev().find(|at| item.is_char_boundary(*at)).unwrap();
            let _ = write!(body, ",{}", &item[..half]);
        }
        let mut response = Response::text(200, "application/json; charset=utf-8", &body);
        response.headers.extend(self.headers);
        response
    }

    /// Applies a fault.
    pub(super) fn response(mut self, fault: Option<Fault>) -> (Response, Delivery) {
        let n_all = self.items.len();
        let n_whole = |n: u64| usize::try_from(n).unwrap().min(n_all);
        match fault {
            Some(Fault::BreaksInside(n)) => return (self.with(n_whole(n), true), Delivery::Broken),
            Some(Fault::Closes(n)) => return (self.with(n_whole(n), true), Delivery::Whole),
            Some(Fault::Twice) => {
                self.items = self.items.into_iter().flat_map(|item| [item.clone(), item]).collect();
            }
            Some(Fault::Swapped) => self.items.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1)),
            Some(Fault::Quiet) => self.items.clear(),
            _ => {}
        }
        let n_items = self.items.len();
        changed(self.with(n_items, false), fault)
    }
}

/// Applies what a fault does to an answer that is no page.
pub(super) fn changed(mut response: Response, fault: Option<Fault>) -> (Response, Delivery) {
    let half = response.body.len() / 2;
    let delivery = match fault {
        Some(Fault::BreaksInside(_)) => {
            response.body.truncate(half);
            Delivery::Broken
        }
        Some(Fault::Closes(_)) => {
            response.body.truncate(half);
            Delivery::Whole
        }
        Some(Fault::Fails(_)) => {
            let body = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
            response = Response::text(502, "text/html", body);
            Delivery::Whole
        }
        Some(Fault::Fragmented) => Delivery::Chunked,
        Some(Fault::Slow) => Delivery::Slow,
        Some(Fault::Silent) => Delivery::Never,
        _ => Delivery::Whole,
    };
    (response, delivery)
}
