use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::*;
use crate::inference::ModelChoice;

/// The other side on a thread instead of in a process. It can be ended.
struct Near {
    requests: Option<Sender<String>>,
    answers: Receiver<String>,
}

impl Near {
    fn open() -> Self {
        let (requests, asked) = channel::<String>();
        let (answered, answers) = channel();
        thread::spawn(move || {
            let requests = std::io::BufReader::new(Lines { asked, line: Vec::new() });
            serve(requests, Answers { answered, line: Vec::new() })
        });
        Self { requests: Some(requests), answers }
    }
}

impl Remote for Near {
    fn ask(&mut self, line: &str) -> io::Result<String> {
        let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
        if line.contains("poison-end") {
            self.requests = None;
        }
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(format!("{line}\n")).map_err(|_| gone())?;
        self.answers.recv().map_err(|_| gone())
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

fn params(model: Arc<ModelId>) -> IsolatedParams {
    let open = OpenRemote(Arc::new(|| Ok(Box::new(Near::open()))));
    IsolatedParams { model, languages: vec!["en".to_owned()], load: load(), open }
}

fn fake() -> Arc<ModelId> {
    load_deep(&load()).unwrap().model()
}

#[test]
fn another_process_answers_as_the_model_itself_does() {
    let mut direct = load_deep(&load()).unwrap().build().unwrap();
    let mut isolated = IsolatedScorer::start(params(fake())).unwrap();
    for texts in [&["love", "I \"cancel\"\nnow"][..], &[], &["hate 😀"]] {
        assert_eq!(isolated.score(texts).unwrap(), direct.score(texts).unwrap());
    }
    assert!(isolated.reads("en") && !isolated.reads("de"));
    let error = isolated.score(&["poison-error"]).unwrap_err();
    assert!(!error.is_passing() && error.to_string().contains("poison-error"), "{error}");
    assert!(isolated.score(&["poison-once"]).unwrap_err().is_passing());
    assert_eq!(isolated.score(&["love"]).unwrap(), direct.score(&["love"]).unwrap());
}

#[test]
fn a_process_that_ended_is_no_fault_of_the_texts_and_is_started_anew() {
    let mut isolated = IsolatedScorer::start(params(fake())).unwrap();
    assert!(isolated.score(&["poison-end"]).unwrap_err().is_passing());
    // A panic ends it too.
    assert!(isolated.score(&["poison-deep"]).unwrap_err().is_passing());
    assert_eq!(isolated.score(&["love"]).unwrap().len(), 1);
}

#[test]
fn a_process_that_loads_another_model_is_not_used() {
    let other = ModelId { version: "2".to_owned(), ..fake().as_ref().clone() };
    let error = IsolatedScorer::start(params(Arc::new(other))).err().unwrap();
    assert!(error.to_string().contains("reload"), "{error}");
}
