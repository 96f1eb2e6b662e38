//! What goes wrong: faults that a test orders.

use std::collections::VecDeque;

/// Fault of one answer: of a page with items, or of a stream with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The host answers with a status, and perhaps says in how many seconds to come back.
    Status(u16, Option<u64>),
    /// The connection breaks inside the item that follows so many whole ones.
    BreaksInside(u64),
    /// The answer ends in good order after so many items. A page is then no valid JSON.
    Closes(u64),
    /// A stream reports an error after so many messages, and ends. A page comes not at all: a proxy answers 502 in HTML.
    Fails(u64),
    /// Everything comes in two or more parts.
    Fragmented,
    /// Everything comes slowly.
    Slow,
    /// Every item comes twice.
    Twice,
    /// Neighbouring items come in the other order.
    Swapped,
    /// A stream sends only what keeps it alive. A page has no items.
    Quiet,
    /// A stream begins and then sends nothing. A page is never answered.
    Silent,
}

/// How open streams end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By a TCP reset.
    Reset,
    /// In good order.
    Close,
    /// With an error.
    Error,
}

/// Faults that wait for requests.
#[derive(Debug, Default)]
pub(super) struct Faults {
    once: VecDeque<(&'static str, Fault)>,
    lasting: Vec<(&'static str, Fault)>,
}

impl Faults {
    pub(super) fn push(&mut self, path: &'static str, fault: Fault) {
        self.once.push_back((path, fault));
    }

    pub(super) fn keep(&mut self, path: &'static str, fault: Option<Fault>) {
        self.lasting.retain(|(kept, _)| *kept != path);
        self.lasting.extend(fault.map(|fault| (path, fault)));
    }

    pub(super) fn len(&self) -> usize {
        self.once.len()
    }

    /// Returns the fault that a request to a path meets.
    pub(super) fn next(&mut self, path: &str) -> Option<Fault> {
        if let Some(index) = self.once.iter().position(|(start, _)| path.starts_with(start)) {
            return self.once.remove(index).map(|(_, fault)| fault);
        }
        self.lasting.iter().find(|(start, _)| path.starts_with(start)).map(|(_, fault)| *fault)
    }
}
