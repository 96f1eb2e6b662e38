//! `groundswell topics`: lists topics, and checks their queries.

use std::io::{BufRead as _, IsTerminal as _, stdout};

use clap::Subcommand;
use reqwest::Method;

use super::api::ApiTarget;
use crate::models::topic::Topic;
use crate::store::page::Page;
use crate::topics::{PreparedText, Span, Subject, TopicSet, parse};

/// Subcommands of `groundswell topics`.
#[derive(Debug, Subcommand)]
pub enum TopicsCommand {
    /// List topics: as text on a terminal, and otherwise as JSON lines
    List {
        #[command(flatten)]
        target: ApiTarget,
    },
    /// Check a query, and print it in its canonical form
    Check {
        /// Query, such as `(nike OR adidas) NEAR/5 refund* NOT lang:de`
        query: String,
        /// Also print the lines of standard input that the query matches, each taken as the text of a post without
        /// author, language or country
        #[arg(long)]
        filter: bool,
    },
}

/// Runs a command.
///
/// # Errors
/// If the query is invalid, with the position of the error and how to fix it, or the server cannot be reached.
pub async fn run(command: TopicsCommand) -> anyhow::Result<()> {
    match command {
        TopicsCommand::List { target } => list(&target).await,
        TopicsCommand::Check { query, filter } => check(&query, filter),
    }
}

async fn list(target: &ApiTarget) -> anyhow::Result<()> {
    let topics: Page<Topic> = target.open()?.request(Method::GET, "/api/v1/topics", None).await?;
    for topic in topics.items {
        if !stdout().is_terminal() {
            super::print(&serde_json::to_string(&topic)?);
            continue;
        }
        let owner = if topic.is_ours { ", ours" } else { "" };
        let off = if topic.enabled { "" } else { ", off" };
        super::print(&format!(
            "{}  ({}{owner}{off})  {}",
            topic.name,
            topic.kind.as_str(),
            one_line(&topic.query)
        ));
    }
    Ok(())
}

fn check(query: &str, filter: bool) -> anyhow::Result<()> {
    let parsed = parse(query)
        .map_err(|error| anyhow::anyhow!("{}", underline(query, error.span, &error.problem.to_string())))?;
    for hint in &parsed.hints {
        eprintln!("{}", underline(query, hint.span, &hint.message));
    }
    super::print(&parsed.query.to_string());
    if !filter {
        return Ok(());
    }
    let set = TopicSet::compile(&[parsed.query]);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if !set.matches(&subject(&PreparedText::new(&line))).is_empty() {
            super::print(&line);
        }
    }
    Ok(())
}

/// Returns a post with only its text.
fn subject<'a>(text: &'a PreparedText<'a>) -> Subject<'a> {
    Subject { text, lang: None, platform: "", author_handle: None, author_id: None, country: None }
}

/// Returns the message below the query, with the part that it concerns underlined.
fn underline(query: &str, Span { from, to }: Span, message: &str) -> String {
    // A tab or line break would shift the underline.
    let query = one_line(query);
    let marks = "^".repeat(to.saturating_sub(from).max(1));
    format!("{message}\n  {query}\n  {:from$}{marks}", "")
}

fn one_line(query: &str) -> String {
    query.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_part_of_a_query_is_underlined() {
        let query = "é\tform:nike";
        let error = parse(query).unwrap_err();
        assert_eq!(
            underline(query, error.span, &error.to_string()),
            "unknown field `form:`; did you mean `from:`?\n  é form:nike\n    ^^^^^^^^^"
        );
    }
}
