//! Sections of a report as HTML.

use super::content::Content;
use super::html::Html;
use super::{chart, compare, format};
use crate::models::alert::AlertState;
use crate::models::explore::{BreakdownBy, ExploreBreakdown, ExplorePoint};
use crate::models::metrics::{SentimentSummary, Summary};
use crate::models::post::{PostOrder, ScoredPost};

/// Maximum length of a key in a table, in characters.
const KEY_CHARACTERS_MAX: usize = 60;

/// Maximum length of a post, in characters.
const POST_CHARACTERS_MAX: usize = 400;

/// Program that displays a document, which determines the elements that it may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    /// Browser, which also prints the PDF.
    Browser,
    /// Mail client. Most remove SVG and style sheets.
    Mail,
}

/// Appends all sections.
pub(super) fn write(html: &mut Html, content: &Content, (medium, pdf_error): (Medium, Option<&str>)) {
    heading(html, content);
    headline(html, content);
    trend(html, content, medium);
    for breakdown in &content.breakdowns {
        by_key(html, breakdown);
    }
    terms(html, content);
    alerts(html, content);
    posts(html, content);
    if medium == Medium::Browser {
        title(html, "Trend in numbers");
        steps(html, content);
    }
    footer(html, content, pdf_error);
}

fn heading(html: &mut Html, content: &Content) {
    html.markup("<h1 style=\"font-size:24px;line-height:1.25;margin:0 0 4px\">")
        .text(&format::one_line(&content.name));
    html.markup("</h1><p style=\"margin:0 0 4px;color:#4a5361\">").text(&period(content)).markup("</p>");
    let filters = filters(content);
    if !filters.is_empty() {
        html.markup("<p style=\"margin:0 0 4px;color:#4a5361\">Only ").text(&filters).markup("</p>");
    }
    if let Some(dashboard) = &content.dashboard {
        html.markup("<p style=\"margin:0\"><a style=\"color:#1d4f91\" href=\"").text(dashboard);
        html.markup("\">Open the dashboard</a></p>");
    }
}

/// Returns the days of the report with their time zone.
pub(super) fn period(content: &Content) -> String {
    let window = content.total.window;
    let zone = content.zone.iana_name().unwrap_or("UTC");
    format!("{}, times in {zone}", format::days((window.from, window.to), &content.zone))
}

/// Describes the filter in words; returns an empty string if there is none.
pub(super) fn filters(content: &Content) -> String {
    let named = content.filter.fields().into_iter().filter_map(|(name, value)| {
        let value = value?;
        Some(if value.is_empty() {
            format!("posts without a {name}")
        } else {
            format!("{name} {}", format::cut(value, KEY_CHARACTERS_MAX))
        })
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Figure of the period and of the previous one, with the change.
pub(super) struct Figure {
    pub name: &'static str,
    pub now: String,
    pub before: String,
    pub change: String,
}

/// Returns the headline figures, compared by the rules of the dashboard.
pub(super) fn figures(content: &Content) -> Vec<Figure> {
    let (now, before) = (&content.total.summary, &content.before.summary);
    let figure = |name, of: fn(&Summary) -> String, change: Option<String>| Figure {
        name,
        now: of(now),
        before: of(before),
        change: change.unwrap_or_else(|| format::NONE.to_owned()),
    };
    let negative = |summary: &Summary| (summary.sentiment.negative, summary.count);
    vec![
        figure("Posts", |it| format::count(it.count), compare::counts(now.count, before.count)),
        figure(
            "Average sentiment",
            |it| format::signed(it.sentiment.average),
            compare::averages((now.sentiment.average, now.count), (before.sentiment.average, before.count)),
        ),
        figure(
            "Negative share",
            |it| format::share(it.sentiment.negative, it.count),
            compare::shares(negative(now), negative(before)),
        ),
        figure(
            "High churn risk",
            |it| format::posts(it.churn.high),
            compare::counts(now.churn.high, before.churn.high),
        ),
        figure(
            "Average toxicity",
            |it| format::score(it.toxicity.average),
            compare::averages((now.toxicity.average, now.count), (before.toxicity.average, before.count)),
        ),
    ]
}

fn headline(html: &mut Html, content: &Content) {
    title(html, "Summary");
    table(html, &["Figure", "This period", "Period before", "Change"]);
    for figure in figures(content) {
        row_header(html, figure.name);
        html.markup(
            "<td style=\"padding:4px 0 4px 8px;border-bottom:1px solid #e4e7eb;text-align:right\"><b>",
        );
        html.text(&figure.now).markup("</b></td>");
        number(html, &figure.before);
        number(html, &figure.change);
        html.markup("</tr>");
    }
    end_table(html);
}

fn trend(html: &mut Html, content: &Content, medium: Medium) {
    title(html, "Trend");
    if medium == Medium::Mail {
        return steps(html, content);
    }
    caption(html, "Posts");
    chart::volume(html, &content.series, &content.zone);
    html.markup("<p style=\"margin:0 0 8px;font-size:12px;color:#4a5361\">");
    for (swatch, label) in [
        ("<span style=\"color:#1f7a5c\">■</span> ", "positive"),
        ("&emsp;<span style=\"color:#aab2bd\">■</span> ", "neutral"),
        ("&emsp;<span style=\"color:#b42318\">■</span> ", "negative"),
    ] {
        html.markup(swatch).markup(label);
    }
    html.markup("</p>");
    caption(html, "Average sentiment");
    chart::sentiment(html, &content.series, &content.zone);
}

fn steps(html: &mut Html, content: &Content) {
    let most = content.series.iter().map(|point| point.summary.count).max().unwrap_or(0).max(1);
    table(html, &["From", "Posts", "Sentiment", "Negative", ""]);
    for ExplorePoint { from, to, summary, .. } in &content.series {
        row_header(html, &format::step((*from, *to), &content.zone));
        number(html, &format::count(summary.count));
        number(html, &format::signed(summary.sentiment.average));
        number(html, &format::share(summary.sentiment.negative, summary.count));
        html.markup("<td width=\"30%\" style=\"padding:4px 0 4px 8px;border-bottom:1px solid #e4e7eb\">");
        html.markup("<div style=\"background:#1d4f91;height:9px;font-size:1px;line-height:9px;width:");
        html.number(summary.count as f64 / most as f64 * 100.0).markup("%\"></div></td></tr>");
    }
    end_table(html);
}

/// Returns the title and the noun of a breakdown.
pub(super) fn names_of(by: BreakdownBy) -> (&'static str, &'static str) {
    match by {
        BreakdownBy::Product => ("Products", "product"),
        BreakdownBy::Platform => ("Platforms", "platform"),
        BreakdownBy::Channel => ("Channels", "channel"),
        BreakdownBy::City => ("Cities", "city"),
        BreakdownBy::Source => ("Sources", "source"),
        BreakdownBy::Label => ("Sentiment", "label"),
        BreakdownBy::Emotion => ("Emotions", "emotion"),
        BreakdownBy::Lang => ("Languages", "language"),
        BreakdownBy::Author => ("Authors", "author"),
    }
}

/// Returns whether no post of a breakdown has a key.
pub(super) fn is_bare(breakdown: &ExploreBreakdown) -> bool {
    breakdown.items.iter().all(|item| item.key.is_empty())
}

fn by_key(html: &mut Html, breakdown: &ExploreBreakdown) {
    let (name, noun) = names_of(breakdown.by);
    title(html, name);
    if is_bare(breakdown) {
        return note(html, &format!("No post has a {noun}."));
    }
    table(html, &[name, "Posts", "Share", "Change", "Negative", "Sentiment"]);
    for item in &breakdown.items {
        row_header(html, &format::cut(&format::key(&item.key), KEY_CHARACTERS_MAX));
        number(html, &format::count(item.count));
        number(html, &percent(item.share));
        let change = item.previous_count.and_then(|before| compare::counts(item.count, before));
        number(html, change.as_deref().unwrap_or(format::NONE));
        let sentiment = item.sentiment.as_ref();
        let negative =
            sentiment.map(|SentimentSummary { negative, .. }| format::share(*negative, item.count));
        number(html, negative.as_deref().unwrap_or(format::NONE));
        number(html, &format::signed(sentiment.and_then(|sentiment| sentiment.average)));
        html.markup("</tr>");
    }
    end_table(html);
    if breakdown.by == BreakdownBy::Product {
        note(html, "A post can be about several products.");
    }
}

/// Returns a share between 0 and 1 as on the dashboard.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 0.0 && percent < 1.0 => "<1%".to_owned(),
        percent => format!("{:.0}%", (percent + 0.5).floor()),
    }
}

fn terms(html: &mut Html, content: &Content) {
    title(html, "Terms that rose");
    if content.terms.items.is_empty() {
        return note(html, "No term was clearly more frequent than in the period before.");
    }
    table(html, &["Term", "Posts in the sample", "Expected"]);
    for term in &content.terms.items {
        row_header(html, &format::cut(&term.term, KEY_CHARACTERS_MAX));
        number(html, &format::count(term.count));
        number(html, &format!("{:.1}", term.expected));
        html.markup("</tr>");
    }
    end_table(html);
    note(html, &sample(content));
}

/// Describes the sample in which the terms were counted.
pub(super) fn sample(content: &Content) -> String {
    format!(
        "Counted in a sample of {}, spread over the period, and compared with as large a sample of the period before.",
        format::posts(i64::try_from(content.terms.n_sampled).unwrap_or(i64::MAX))
    )
}

fn alerts(html: &mut Html, content: &Content) {
    title(html, "Alerts");
    let found = &content.alerts;
    if found.items.is_empty() {
        return note(html, "No alert opened in this period.");
    }
    table(html, &["Alert", "Severity", "Opened", "State"]);
    for alert in &found.items {
        row_header(html, &format::cut(&alert.title, 160));
        number(html, alert.severity.as_str());
        number(html, &format::time(alert.opened_at, &content.zone));
        number(html, if alert.state == AlertState::Open { "open" } else { "resolved" });
        html.markup("</tr>");
    }
    end_table(html);
    if let Some(rest) = more_alerts(content) {
        note(html, &rest);
    }
}

/// States how many alerts are not listed; `None` if all are.
pub(super) fn more_alerts(content: &Content) -> Option<String> {
    let n_listed = i64::try_from(content.alerts.items.len()).unwrap_or(i64::MAX);
    let n_rest = content.alerts.count - n_listed;
    (n_rest > 0).then(|| format!("{} more. The most severe ones are listed.", format::count(n_rest)))
}

/// Returns the title of the list of posts.
pub(super) fn posts_title(content: &Content) -> &'static str {
    match content.posts.order {
        PostOrder::Engagement => "Top posts by engagement",
        PostOrder::Virality => "Top posts by predicted virality",
        PostOrder::Rising => "Rising posts",
        PostOrder::Newest => "Newest posts",
    }
}

fn posts(html: &mut Html, content: &Content) {
    title(html, posts_title(content));
    if content.posts.items.is_empty() {
        return note(html, "No posts in this period.");
    }
    for scored in &content.posts.items {
        html.markup(
            "<div class=\"keep\" style=\"margin:0 0 10px;padding:0 0 10px;border-bottom:1px solid #e4e7eb\">",
        );
        html.markup("<p style=\"margin:0 0 2px;font-size:12px;color:#4a5361\">");
        html.text(&byline(scored, content))
            .markup("</p><p style=\"margin:0;word-break:break-word\" dir=\"auto\">");
        html.text(&text_of(scored)).markup("</p>");
        if let Some(url) = link_of(scored) {
            html.markup("<p style=\"margin:2px 0 0;font-size:12px\"><a style=\"color:#1d4f91\" rel=\"noopener noreferrer\" ");
            html.markup("href=\"").text(url).markup("\">Open the post</a></p>");
        }
        html.markup("</div>");
    }
}

/// Returns the text of a post on one line.
pub(super) fn text_of(scored: &ScoredPost) -> String {
    format::cut(&scored.post.text, POST_CHARACTERS_MAX)
}

/// Returns the author, platform and time of a post, its sentiment and its engagement.
pub(super) fn byline(scored: &ScoredPost, content: &Content) -> String {
    let post = &scored.post;
    let author = post.author.as_ref().and_then(|author| author.handle.as_ref().or(author.id.as_ref()));
    let author = author.map(|author| format::cut(author, KEY_CHARACTERS_MAX));
    let reactions = post.engagement.map(|engagement| {
        let sum = [engagement.likes, engagement.shares, engagement.comments].into_iter().flatten();
        let n_reactions = sum.fold(0_i64, i64::saturating_add);
        format!("{} {}", format::count(n_reactions), if n_reactions == 1 { "reaction" } else { "reactions" })
    });
    let parts = [
        author,
        Some(format::cut(&post.platform, KEY_CHARACTERS_MAX)),
        Some(format::time(post.created_at, &content.zone)),
        Some(scored.score.sentiment.label.as_str().to_owned()),
        reactions,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Returns the URL of a post, if it is one that a browser opens as a page.
pub(super) fn link_of(scored: &ScoredPost) -> Option<&str> {
    let url = scored.post.url.as_deref()?;
    (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
}

fn footer(html: &mut Html, content: &Content, pdf_error: Option<&str>) {
    html.markup("<p style=\"margin:24px 0 0;padding-top:8px;border-top:1px solid #aab2bd;font-size:12px;color:#4a5361\">");
    html.text(&closing(content, pdf_error)).markup("</p>");
}

/// States what changes refer to, when the figures were read and, if there is no PDF, why not.
pub(super) fn closing(content: &Content, pdf_error: Option<&str>) -> String {
    let before = content.before.window;
    let without_pdf = pdf_error.map(|error| format!(" No PDF is attached: {}.", format::one_line(error)));
    let without_pdf = without_pdf.unwrap_or_default();
    format!(
        "Changes compare with the period before, {}, and are shown if both have at least {} posts. \
         Sent by Groundswell; figures as of {}.{without_pdf}",
        format::days((before.from, before.to), &content.zone),
        compare::COMPARED_MIN,
        format::time(content.read_at, &content.zone)
    )
}

fn title(html: &mut Html, title: &'static str) {
    html.markup("<h2 style=\"font-size:16px;line-height:1.3;margin:24px 0 8px\">")
        .markup(title)
        .markup("</h2>");
}

fn caption(html: &mut Html, text: &'static str) {
    html.markup("<h3 style=\"font-size:13px;margin:8px 0 2px\">").markup(text).markup("</h3>");
}

fn note(html: &mut Html, text: &str) {
    html.markup("<p style=\"margin:4px 0 0;font-size:12px;color:#4a5361\">").text(text).markup("</p>");
}

/// Opens a table. The first column has row headers, and the others numbers.
fn table(html: &mut Html, columns: &[&'static str]) {
    html.markup("<table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"border-collapse:collapse\"><thead><tr>");
    for (i, column) in columns.iter().enumerate() {
        html.markup(match (i, column.is_empty()) {
            (_, true) => "<td style=\"border-bottom:1px solid #7b8594\">",
            (0, false) => {
                "<th scope=\"col\" style=\"padding:4px 8px 4px 0;border-bottom:1px solid #7b8594;text-align:left;\
                 font-size:12px;color:#4a5361\">"
            }
            _ => {
                "<th scope=\"col\" style=\"padding:4px 0 4px 8px;border-bottom:1px solid #7b8594;text-align:right;\
                 font-size:12px;color:#4a5361\">"
            }
        });
        html.markup(column).markup(if column.is_empty() { "</td>" } else { "</th>" });
    }
    html.markup("</tr></thead><tbody>");
}

fn row_header(html: &mut Html, text: &str) {
    html.markup(
        "<tr><th scope=\"row\" dir=\"auto\" style=\"padding:4px 8px 4px 0;border-bottom:1px solid #e4e7eb;",
    );
    html.markup("text-align:left;font-weight:normal;word-break:break-word\">").text(text).markup("</th>");
}

fn number(html: &mut Html, text: &str) {
    html.markup("<td style=\"padding:4px 0 4px 8px;border-bottom:1px solid #e4e7eb;text-align:right\">");
    html.text(text).markup("</td>");
}

fn end_table(html: &mut Html) {
    html.markup("</tbody></table>");
}
