//! From measurements and rules to what people are told. Pure: time and values are arguments.

pub mod evidence; // what a rule went by
pub mod machine; // how far one series has come
pub mod measurement; // what a rule sees
pub mod inhibition; // of what people are not told
pub mod plan; // everything that one evaluation changes
pub mod preview; // what a rule would have done
pub mod rolling; // what a rule reads step by step
pub mod limits; // how much one evaluation does, and how rules share it
pub mod service; // what operators are notified of about the service itself
mod step; // one series after one more measurement
pub mod grouping; // what people are told, and in whose name
pub mod title; // one sentence for people

#[cfg(test)]
mod machine_tests; // the machine against a model of it
#[cfg(test)]
mod plan_tests; // what an evaluation changes, case by case
