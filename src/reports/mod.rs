//! Reports: their due times and their documents. Pure: figures and times are arguments.

pub mod calendar; // due times and periods in local time
pub mod content; // the figures and posts of a report
pub mod document; // a report as HTML for the screen, for PDF, for mail clients, and as text

mod chart; // charts as SVG
mod compare; // changes against the period before
mod format; // numbers and times as text
mod html; // HTML elements, with everything escaped
mod plain; // the text alternative
mod sections; // the sections of a report
