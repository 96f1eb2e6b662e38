//! Text alternative of a report, for mail clients that show no HTML.

use super::content::Content;
use super::sections::{
    byline, closing, figures, filters, is_bare, link_of, more_alerts, names_of, percent, period, posts_title,
    sample, text_of,
};
use super::{compare, format};

/// Returns the report as text.
pub(super) fn text(content: &Content, pdf_error: Option<&str>) -> String {
    let mut text = format!("{}\n{}\n", format::one_line(&content.name), period(content));
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let filters = filters(content);
    if !filters.is_empty() {
        line(&format!("Only {filters}"));
    }
    if let Some(dashboard) = &content.dashboard {
        line(dashboard);
    }
    line("\nSUMMARY");
    for figure in figures(content) {
        line(&format!(
            "{}: {} (before: {}, change: {})",
            figure.name, figure.now, figure.before, figure.change
        ));
    }
    line("\nTREND");
    for point in &content.series {
        let summary = &point.summary;
        line(&format!(
            "{}: {}, sentiment {}, {} negative",
            format::step((point.from, point.to), &content.zone),
            format::posts(summary.count),
            format::signed(summary.sentiment.average),
            format::share(summary.sentiment.negative, summary.count)
        ));
    }
    for breakdown in content.breakdowns.iter().filter(|breakdown| !is_bare(breakdown)) {
        line(&format!("\n{}", names_of(breakdown.by).0.to_uppercase()));
        for item in &breakdown.items {
            let change = item.previous_count.and_then(|before| compare::counts(item.count, before));
            let change = change.map(|change| format!(", {change}")).unwrap_or_default();
            let key = format::cut(&format::key(&item.key), 60);
            line(&format!("{key}: {}, {}{change}", format::posts(item.count), percent(item.share)));
        }
    }
    if !content.terms.items.is_empty() {
        line("\nTERMS THAT ROSE");
        for term in &content.terms.items {
            let counted = format::posts(term.count);
            line(&format!("{}: {counted}, expected {:.1}", format::cut(&term.term, 60), term.expected));
        }
        line(&sample(content));
    }
    line("\nALERTS");
    for alert in &content.alerts.items {
        let opened = format::time(alert.opened_at, &content.zone);
        line(&format!("{}, {opened}: {}", alert.severity.as_str(), format::cut(&alert.title, 160)));
    }
    if content.alerts.items.is_empty() {
        line("No alert opened in this period.");
    }
    if let Some(rest) = more_alerts(content) {
        line(&rest);
    }
    line(&format!("\n{}", posts_title(content).to_uppercase()));
    for scored in &content.posts.items {
        line(&format!("{}\n  {}", byline(scored, content), text_of(scored)));
        if let Some(url) = link_of(scored) {
            line(&format!("  {url}"));
        }
    }
    line(&format!("\n{}", closing(content, pdf_error)));
    text
}
