//! Renders a report as HTML for browsers, PDF and mail clients, and as plain text.

use jiff::tz::TimeZone;

use super::content::Content;
use super::html::Html;
use super::sections::Medium;
use super::{format, plain, sections};
use crate::models::report::Period;

/// Returns the HTML for browsers. It loads nothing and runs no scripts, and its content security policy forbids both.
pub fn page(content: &Content) -> String {
    html(content, Medium::Browser, None)
}

/// Returns the HTML for mail clients. If there is no PDF, it states the reason.
pub fn mail(content: &Content, pdf_error: Option<&str>) -> String {
    html(content, Medium::Mail, pdf_error)
}

/// Returns the text alternative. If there is no PDF, it states the reason.
pub fn plain(content: &Content, pdf_error: Option<&str>) -> String {
    plain::text(content, pdf_error)
}

/// Returns the subject of the email: the name of the report and its days.
pub fn subject(name: &str, period: Period, zone: &TimeZone) -> String {
    format!("{}: {}", format::one_line(name), format::days((period.from, period.to), zone))
}

/// Returns a name for files of the report, without extension: `weekly-2026-11-16`.
pub fn file_name(name: &str, period: Period, zone: &TimeZone) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
    let name: String = name.chars().map(kept).collect();
    let mut words: Vec<&str> = name.split_whitespace().collect();
    if words.is_empty() {
        words.push("report");
    }
    format!("{}-{}", words.join("-"), period.from.to_zoned(zone.clone()).date())
}

/// Content security policy and print layout. Everything else is in inline styles, which mail clients keep.
const HEAD: &str = "<meta charset=\"utf-8\">\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
    <meta name=\"color-scheme\" content=\"light\">\
    <style>\
    @page{size:A4;margin:15mm}\
    @media print{h2{break-after:avoid}tr,svg,.keep{break-inside:avoid}thead{display:table-header-group}}\
    </style>";

fn html(content: &Content, medium: Medium, pdf_error: Option<&str>) -> String {
    let window = content.total.window;
    let period = Period { from: window.from, to: window.to };
    let mut html = Html::default();
    html.markup("<!doctype html><html lang=\"en\"><head>").markup(HEAD).markup("<title>");
    html.text(&subject(&content.name, period, &content.zone)).markup("</title></head>");
    html.markup("<body style=\"margin:0;padding:16px;background:#ffffff;color:#1b1f24;");
    html.markup("font-family:Helvetica,Arial,sans-serif;font-size:14px;line-height:1.45\">");
    html.markup("<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr><td align=\"center\">");
    html.markup("<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" ");
    html.markup("style=\"max-width:680px;text-align:left\"><tr><td>");
    sections::write(&mut html, content, (medium, pdf_error));
    html.markup("</td></tr></table></td></tr></table></body></html>");
    html.finish()
}

#[cfg(test)]
mod tests;
