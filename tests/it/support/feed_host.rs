//! A site with a feed on loopback, with faults as verbs.
//!
//! Follows the specifications, not any client: HTTP/1.1 (RFC 9112) with conditional requests, where `If-None-Match` has
//! precedence over `If-Modified-Since` (RFC 9110, section 13.2.2), `Retry-After` (section 10.2.3) and gzip (section
//! 8.4.1.3); RSS 2.0 of the RSS Advisory Board, Atom (RFC 4287) and JSON Feed 1.1. Dates are those of RFC 5322 and
//! RFC 3339.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Format of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Rss,
    Atom,
    Json,
}

/// What goes wrong with one answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A status, and perhaps in how many seconds to come back.
    Status(u16, Option<u64>),
    /// The connection breaks after so many entries, before the announced length is reached.
    BreaksInside(u64),
    /// The document ends after so many entries, and nothing says that more should follow.
    EndsAfter(u64),
    /// Every entry comes twice.
    Twice,
    /// The entries come in the other order.
    Reversed,
    /// There are no entries.
    Empty,
    /// The answer comes in small parts, slowly.
    Slow,
    /// Nothing comes at all.
    Silent,
    /// Something else comes, as this media type.
    Body(&'static str, Vec<u8>),
    /// The feed is elsewhere.
    MovedTo(String),
}

/// Entry of a feed.
#[derive(Debug, Clone)]
pub struct Entry {
    pub number: u32,
    pub id: Option<String>,
    pub text: String,
    pub at: Timestamp,
    /// What stands in the document instead.
    pub raw: Option<String>,
}

impl Entry {
    /// Returns an entry with a text of its own, written now.
    pub fn new(number: u32) -> Self {
        Self {
            number,
            id: Some(format!("urn:example:{number}")),
            text: format!("post {number} about nimbrel"),
            at: Timestamp::now(),
            raw: None,
        }
    }

    fn raw(text: &str) -> Self {
        Self { raw: Some(text.to_owned()), ..Self::new(u32::MAX) }
    }

    fn written(&self, format: Format) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let Self { number, text, at, .. } = self;
        let link = format!("https://site.example/{number}");
        match format {
            Format::Rss => {
                let id = self.id.as_ref().map(|id| format!("<guid isPermaLink=\"false\">{id}</guid>"));
                let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT");
                format!(
                    "<item><title>{text}</title><link>{link}</link>{}<pubDate>{date}</pubDate>\
                     <description>&lt;p&gt;{text}&lt;/p&gt;</description></item>",
                    id.unwrap_or_default()
                )
            }
            Format::Atom => {
                let id = self.id.as_ref().map(|id| format!("<id>{id}</id>"));
                format!(
                    "<entry><title>{text}</title><link href=\"{link}\"/>{}<updated>{at}</updated>\
                     <content type=\"html\">&lt;p&gt;{text}&lt;/p&gt;</content></entry>",
                    id.unwrap_or_default()
                )
            }
            Format::Json => {
                json!({"id": self.id, "url": link, "content_text": text, "date_published": at.to_string()})
                    .to_string()
            }
        }
    }
}

/// Request that was received.
#[derive(Debug, Clone)]
pub struct Request {
    /// Names and values of its headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// Status of the answer; 0 if there was none.
    pub status: u16,
}

impl Request {
    /// Returns the value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// Site with a feed.
pub struct FeedHost {
    port: u16,
    shared: Arc<Mutex<Shared>>,
    listening: JoinHandle<()>,
}

struct Shared {
    format: Format,
    entries: Vec<Entry>,
    /// Counts the changes of the document.
    version: u64,
    faults: VecDeque<Fault>,
    /// Fault of every answer after those.
    lasting: Option<Fault>,
    requests: Vec<Request>,
    sends_etag: bool,
}

impl FeedHost {
    /// Starts a site whose feed is empty.
    pub async fn start(format: Format) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Shared {
            format,
            entries: Vec::new(),
            version: 1,
            faults: VecDeque::new(),
            lasting: None,
            requests: Vec::new(),
            sends_etag: true,
        };
        let shared = Arc::new(Mutex::new(shared));
        let serving = Arc::clone(&shared);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self { port, shared, listening }
    }

    /// Returns the URL of the feed.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/feed", self.port)
    }

    /// Adds entries, each newer than those before.
    pub fn add(&self, entries: impl IntoIterator<Item = Entry>) {
        self.change(|shared| shared.entries.extend(entries));
    }

    /// Adds what is hardly an entry. Returns how many.
    pub fn add_garbage(&self) -> u64 {
        let format = self.lock().format;
        let nested = format!("{}{}", "<b>".repeat(1_000), "</b>".repeat(1_000));
        let garbage = match format {
            Format::Rss => vec![
                "<item></item>".to_owned(),
                "<item><title>unclosed</item>".to_owned(),
                "<item><guid>w</guid><title> \n</title><pubDate>never</pubDate></item>".to_owned(),
                format!("<item><title>nested</title><description>{nested}</description></item>"),
                format!("<item><title>{}</title><pubDate>32 Foo</pubDate></item>", "huge ".repeat(100_000)),
            ],
            Format::Atom => vec![
                "<entry></entry>".to_owned(),
                "<entry><title>unclosed</entry>".to_owned(),
                "<entry><title type=\"image/png\">?</title></entry>".to_owned(),
                format!(
                    "<entry><id>n</id><title>nested</title><content type=\"xhtml\">{nested}</content></entry>"
                ),
                format!(
                    "<entry><id>h</id><title>{}</title><updated>x</updated></entry>",
                    "huge ".repeat(100_000)
                ),
            ],
            Format::Json => vec![
                "7".to_owned(),
                "{}".to_owned(),
                r#"{"id": "wrong", "content_text": {"is": "an object"}}"#.to_owned(),
                format!("{}{}", "[".repeat(1_000), "]".repeat(1_000)),
                json!({"id": ["?"], "content_text": "huge ".repeat(100_000), "date_published": "x"})
                    .to_string(),
            ],
        };
        self.add(garbage.iter().map(|text| Entry::raw(text)));
        garbage.len() as u64
    }

    /// Changes the text of an entry.
    pub fn edit(&self, number: u32, text: &str) {
        self.change(|shared| {
            let entry = shared.entries.iter_mut().find(|entry| entry.number == number).unwrap();
            text.clone_into(&mut entry.text);
        });
    }

    /// Removes an entry.
    pub fn remove(&self, number: u32) {
        self.change(|shared| shared.entries.retain(|entry| entry.number != number));
    }

    /// Removes all entries.
    pub fn clear(&self) {
        self.change(|shared| shared.entries.clear());
    }

    /// Makes something go wrong with the next answer that nothing goes wrong with yet.
    pub fn fault(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// Makes something go wrong with every answer, or with none.
    pub fn keep_fault(&self, fault: Option<Fault>) {
        self.lock().lasting = fault;
    }

    /// Sends dates only, no entity tags.
    pub fn send_no_etags(&self) {
        self.lock().sends_etag = false;
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    fn change(&self, change: impl FnOnce(&mut Shared)) {
        let mut shared = self.lock();
        change(&mut shared);
        shared.version += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }
}

impl Drop for FeedHost {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Shared {
    /// Returns the version's date: a second per change, because dates have no parts of seconds.
    fn last_modified(&self) -> String {
        let at = Timestamp::from_second(1_700_000_000 + i64::try_from(self.version).unwrap()).unwrap();
        at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn etag(&self) -> String {
        format!("W/\"v{}\"", self.version)
    }

    fn is_known(&self, request: &Request) -> bool {
        match (request.header("if-none-match"), request.header("if-modified-since")) {
            (Some(tag), _) => tag == self.etag().to_lowercase(),
            (None, Some(date)) => date == self.last_modified().to_lowercase(),
            (None, None) => false,
        }
    }

    /// Returns the document of these entries, without its end if it is cut.
    fn document(&self, entries: &[&Entry], is_cut: bool) -> String {
        let written: Vec<String> = entries.iter().map(|entry| entry.written(self.format)).collect();
        let (start, between, end) = match self.format {
            Format::Rss => (
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\"><channel><title>Site</title>",
                "\n",
                "</channel></rss>",
            ),
            Format::Atom => {
                ("<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Site</title>", "\n", "</feed>")
            }
            Format::Json => {
                (r#"{"version":"https://jsonfeed.org/version/1.1","title":"Site","items":["#, ",\n", "]}")
            }
        };
        format!("{start}{}{}", written.join(between), if is_cut { "" } else { end })
    }

    /// Returns the bytes of an answer, with its status. There are none if the host is silent.
    fn answer(&mut self, request: &Request) -> (u16, Vec<u8>) {
        let fault = self.faults.pop_front().or_else(|| self.lasting.clone());
        if fault.is_none() && self.is_known(request) {
            return (304, response(304, "", b""));
        }
        let mut entries: Vec<&Entry> = self.entries.iter().rev().collect();
        let kind = match self.format {
            Format::Rss => "application/rss+xml; charset=utf-8",
            Format::Atom => "application/atom+xml",
            Format::Json => "application/feed+json",
        };
        let (n_all, mut is_cut, mut is_broken) = (entries.len(), false, false);
        match fault {
            None | Some(Fault::Slow) => {}
            Some(Fault::Silent) => return (0, Vec::new()),
            Some(Fault::Status(status, retry_after)) => {
                let header =
                    retry_after.map_or(String::new(), |seconds| format!("retry-after: {seconds}\r\n"));
                return (status, response(status, &header, b"no"));
            }
            Some(Fault::MovedTo(url)) => {
                return (301, response(301, &format!("location: {url}\r\n"), b""));
            }
            Some(Fault::Body(kind, body)) => {
                return (200, response(200, &format!("content-type: {kind}\r\n"), &body));
            }
            Some(Fault::BreaksInside(n)) => {
                entries.truncate(usize::try_from(n).unwrap().min(n_all));
                (is_cut, is_broken) = (true, true);
            }
            Some(Fault::EndsAfter(n)) => {
                entries.truncate(usize::try_from(n).unwrap().min(n_all));
                is_cut = true;
            }
            Some(Fault::Twice) => entries = entries.into_iter().flat_map(|entry| [entry, entry]).collect(),
            Some(Fault::Reversed) => entries.reverse(),
            Some(Fault::Empty) => entries.clear(),
        }
        let mut headers = format!("content-type: {kind}\r\n");
        if entries.len() >= n_all {
            let _ = write!(headers, "last-modified: {}\r\n", self.last_modified());
            if self.sends_etag {
                let _ = write!(headers, "etag: {}\r\n", self.etag());
            }
        }
        let document = self.document(&entries, is_cut);
        let accepts_gzip = request.header("accept-encoding").is_some_and(|it| it.contains("gzip"));
        if is_broken {
            let _ = write!(headers, "content-length: {}\r\n", document.len() + 1_000);
        }
        // Every other version is compressed.
        if accepts_gzip && !is_cut && self.version.is_multiple_of(2) {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(document.as_bytes()).unwrap();
            headers.push_str("content-encoding: gzip\r\n");
            return (200, response(200, &headers, &encoder.finish().unwrap()));
        }
        (200, response(200, &headers, document.as_bytes()))
    }
}

/// Returns a response. Its headers may announce a length of their own.
fn response(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} As told\r\nconnection: close\r\n{headers}");
    if status != 304 && !headers.contains("content-length") {
        let _ = write!(head, "content-length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

async fn serve(stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let mut stream = BufReader::new(stream);
    let mut headers = Vec::new();
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|n_bytes| n_bytes > 2) {
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_lowercase(), value.trim().to_lowercase()));
        }
        line.clear();
    }
    let (status, answer, is_slow) = {
        let mut shared = shared.lock().unwrap();
        let is_slow = matches!(shared.faults.front(), Some(Fault::Slow));
        let mut request = Request { headers, status: 0 };
        let (status, answer) = shared.answer(&request);
        request.status = status;
        shared.requests.push(request);
        (status, answer, is_slow)
    };
    if status == 0 {
        // Until the client hangs up.
        let _ = stream.read_line(&mut line).await;
        return;
    }
    for part in answer.chunks(if is_slow { 1_000 } else { usize::MAX }) {
        let _ = stream.write_all(part).await;
        if is_slow {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let _ = stream.shutdown().await;
}
