use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::server::serve;
use super::*;
use crate::inference::{ModelChoice, load_deep};

/// A server that runs on a thread instead of in a process, and that a test can end.
struct ThreadRemote {
    requests: Option<Sender<String>>,
    responses: Receiver<String>,
}

impl ThreadRemote {
    fn open() -> Self {
        let (requests, asked) = channel::<String>();
        let (answered, responses) = channel();
        thread::spawn(move || {
            let requests = std::io::BufReader::new(Lines { asked, line: Vec::new() });
            serve(requests, Answers { answered, line: Vec::new() })
        });
        Self { requests: Some(requests), responses }
    }
}

impl Remote for ThreadRemote {
    fn request(&mut self, line: &str) -> io::Result<String> {
        let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
        if line.contains("poison-end") {
            self.requests = None;
        }
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(format!("{line}\n")).map_err(|_| gone())?;
        self.responses.recv().map_err(|_| gone())
    }
}

struct Lines {
    asked: Receiver<String>,
    line: Vec<u8>,
}

impl io::Read for Lines {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.line.is_empty() {
            self.line = self.asked.recv().map(String::into_bytes).unwrap_or_default();
        }
        let n = self.line.len().min(into.len());
        into[..n].copy_from_slice(&self.line[..n]);
        self.line.drain(..n);
        Ok(n)
    }
}

struct Answers {
    answered: Sender<String>,
    line: Vec<u8>,
}

impl Write for Answers {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
        self.answered.send(line).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

fn load() -> LoadParams {
    LoadParams { deep: ModelChoice::Fake, ..LoadParams::default() }
}

fn params(model: Arc<ModelId>) -> OutOfProcessParams {
    let open = OpenRemote(Arc::new(|| Ok(Box::new(ThreadRemote::open()))));
    OutOfProcessParams { model, languages: vec!["en".to_owned()], load: load(), open }
}

fn fake() -> Arc<ModelId> {
    load_deep(&load()).unwrap().model()
}

#[test]
fn another_process_scores_like_the_model_itself() {
    let mut direct = load_deep(&load()).unwrap().build().unwrap();
    let mut out_of_process = OutOfProcessScorer::start(params(fake())).unwrap();
    for texts in [&["love", "I \"cancel\"\nnow"][..], &[], &["hate 😀"]] {
        assert_eq!(out_of_process.score(texts).unwrap(), direct.score(texts).unwrap());
    }
    assert!(out_of_process.supports_language("en") && !out_of_process.supports_language("de"));
    let error = out_of_process.score(&["poison-error"]).unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("poison-error"), "{error}");
    assert!(out_of_process.score(&["poison-once"]).unwrap_err().is_transient());
    assert_eq!(out_of_process.score(&["love"]).unwrap(), direct.score(&["love"]).unwrap());
}

#[test]
fn the_end_of_a_process_is_not_blamed_on_the_texts_and_it_is_restarted() {
    let mut out_of_process = OutOfProcessScorer::start(params(fake())).unwrap();
    assert!(out_of_process.score(&["poison-end"]).unwrap_err().is_transient());
    // A panic ends it too.
    assert!(out_of_process.score(&["poison-deep"]).unwrap_err().is_transient());
    assert_eq!(out_of_process.score(&["love"]).unwrap().len(), 1);
    assert!(out_of_process.has_loaded(), "starting a process counts as scoring");
    assert_eq!(out_of_process.score(&["hate"]).unwrap().len(), 1);
    assert!(!out_of_process.has_loaded());
}

#[test]
fn a_process_that_loads_another_model_is_not_used() {
    let other = ModelId { version: "2".to_owned(), ..fake().as_ref().clone() };
    let error = OutOfProcessScorer::start(params(Arc::new(other))).err().unwrap();
    assert!(error.to_string().contains("reload"), "{error}");
}
