//! Server side of the protocol: the process that runs the model.

use std::io::{self, BufRead, Write};

use serde::Serialize;

use super::{Loaded, Outcome, Response};
use crate::inference::{LoadParams, load_deep, metrics_relay};

/// Loads the deep model that the first request names, then scores texts until the input ends.
///
/// # Errors
/// If a response cannot be written, or a request is not valid.
pub fn serve(requests: impl BufRead, mut responses: impl Write) -> io::Result<()> {
    let timings = metrics_relay::collect();
    let mut lines = requests.lines();
    let Some(first) = lines.next() else {
        return Ok(());
    };
    let params: LoadParams = serde_json::from_str(&first?)?;
    let mut scorer = match load_deep(&params).and_then(|factory| factory.build()) {
        Ok(scorer) => scorer,
        Err(error) => return send(&mut responses, &Loaded::Failed(error.to_string())),
    };
    send(&mut responses, &Loaded::Model(scorer.model().as_ref().clone()))?;
    for line in lines {
        let texts: Vec<String> = serde_json::from_str(&line?)?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let outcome = match scorer.score(&texts) {
            Ok(predictions) => Outcome::Readings(predictions),
            Err(error) => Outcome::Failed { reason: error.to_string(), is_transient: error.is_transient() },
        };
        send(&mut responses, &Response { outcome, timings: timings.take() })?;
    }
    Ok(())
}

fn send(responses: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *responses, value)?;
    responses.write_all(b"\n")?;
    responses.flush()
}
