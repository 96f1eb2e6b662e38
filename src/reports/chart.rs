//! Charts as SVG, for screens and paper. Mail clients remove SVG, so emails show a table instead.

use jiff::tz::TimeZone;

use super::format;
use super::html::Html;
use crate::models::explore::ExplorePoint;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 170.0;

/// Space to the left of the plot, for the labels of its axis.
const LEFT: f64 = 52.0;

/// Space below the plot, for the labels of its steps.
const BOTTOM: f64 = 20.0;

/// Space above the plot, so that the topmost label is not cut off.
const TOP: f64 = 8.0;

/// Maximum number of labels below a plot; more would overlap.
const LABELS_MAX: usize = 8;

/// Half the smallest span of the sentiment axis. With a smaller one, noise would look like a change of mood.
const SENTIMENT_SPAN_MIN: f64 = 0.2;

/// Appends a chart of the number of posts per step, divided by sentiment label.
pub fn volume(html: &mut Html, points: &[ExplorePoint], zone: &TimeZone) {
    let most = points.iter().map(|point| point.summary.count).max().unwrap_or(0);
    let busiest = points.iter().find(|point| point.summary.count == most && most > 0);
    let description = match busiest {
        None => "No posts.".to_owned(),
        Some(point) => format!(
            "Most posts in one step: {}, {}.",
            format::count(most),
            format::step((point.from, point.to), zone)
        ),
    };
    open(html, "Posts by sentiment", &description);
    let top = most.max(1) as f64;
    for (share, label) in [(0.0, "0".to_owned()), (1.0, format::count(most))] {
        rule(html, y(share), &label);
    }
    let width = step_width(points);
    for (i, point) in points.iter().enumerate() {
        let sentiment = &point.summary.sentiment;
        let mut height_below = 0.0;
        for (n_posts, colour) in [
            (sentiment.negative, "\" fill=\"#b42318\"/>"),
            (sentiment.neutral, "\" fill=\"#aab2bd\"/>"),
            (sentiment.positive, "\" fill=\"#1f7a5c\"/>"),
        ] {
            let height = n_posts as f64 / top * (HEIGHT - TOP - BOTTOM);
            if n_posts > 0 {
                let base = y(0.0) - height_below - height;
                html.markup("<rect x=\"").number(x(i, points) + width * 0.12).markup("\" y=\"").number(base);
                html.markup("\" width=\"").number(width * 0.76).markup("\" height=\"").number(height);
                html.markup(colour);
            }
            height_below += height;
        }
    }
    labels(html, points, zone);
    html.markup("</svg>");
}

/// Appends a chart of the average sentiment per step. Steps without posts interrupt the line.
pub fn sentiment(html: &mut Html, points: &[ExplorePoint], zone: &TimeZone) {
    let averages = || points.iter().filter_map(|point| point.summary.sentiment.average);
    let (low, high) = (averages().reduce(f64::min), averages().reduce(f64::max));
    let description = match (low, high) {
        (Some(_), Some(_)) => format!("Between {} and {}.", format::signed(low), format::signed(high)),
        _ => "No posts.".to_owned(),
    };
    open(html, "Average sentiment", &description);
    let reach = averages().map(f64::abs).fold(SENTIMENT_SPAN_MIN, f64::max);
    let span = (reach * 10.0).ceil() / 10.0;
    let height_of = |average: f64| y(0.5 + average / span / 2.0);
    for value in [-span, 0.0, span] {
        rule(html, height_of(value), &format::signed(Some(value)));
    }
    let middle = step_width(points) / 2.0;
    let mut is_drawing = false;
    html.markup("<path fill=\"none\" stroke=\"#1d4f91\" stroke-width=\"2\" d=\"");
    for (i, point) in points.iter().enumerate() {
        let Some(average) = point.summary.sentiment.average else {
            is_drawing = false;
            continue;
        };
        html.markup(if is_drawing { "L" } else { "M" }).number(x(i, points) + middle).markup(" ");
        html.number(height_of(average));
        is_drawing = true;
    }
    html.markup("\"/>");
    for (i, point) in points.iter().enumerate() {
        if let Some(average) = point.summary.sentiment.average {
            html.markup("<circle r=\"2.5\" fill=\"#1d4f91\" cx=\"").number(x(i, points) + middle);
            html.markup("\" cy=\"").number(height_of(average)).markup("\"/>");
        }
    }
    labels(html, points, zone);
    html.markup("</svg>");
}

fn open(html: &mut Html, title: &'static str, description: &str) {
    html.markup(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 170\" width=\"100%\" role=\"img\" ",
    );
    html.markup("font-family=\"Helvetica,Arial,sans-serif\" font-size=\"11\" aria-label=\"");
    html.text(title).markup(". ").text(description).markup("\"><title>").text(title).markup("</title>");
}

/// Returns the height of a share of the plot, counted from below.
fn y(share: f64) -> f64 {
    HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
}

fn step_width(points: &[ExplorePoint]) -> f64 {
    (WIDTH - LEFT) / points.len().max(1) as f64
}

fn x(i: usize, points: &[ExplorePoint]) -> f64 {
    LEFT + i as f64 * step_width(points)
}

fn rule(html: &mut Html, y: f64, label: &str) {
    html.markup("<line stroke=\"#d5d9df\" x1=\"").number(LEFT).markup("\" x2=\"").number(WIDTH);
    html.markup("\" y1=\"").number(y).markup("\" y2=\"").number(y).markup("\"/>");
    html.markup("<text fill=\"#4a5361\" text-anchor=\"end\" x=\"").number(LEFT - 6.0).markup("\" y=\"");
    html.number(y + 4.0).markup("\">").text(label).markup("</text>");
}

fn labels(html: &mut Html, points: &[ExplorePoint], zone: &TimeZone) {
    let every = points.len().div_ceil(LABELS_MAX).max(1);
    let middle = step_width(points) / 2.0;
    for (i, point) in points.iter().enumerate().step_by(every) {
        html.markup("<text fill=\"#4a5361\" text-anchor=\"middle\" x=\"").number(x(i, points) + middle);
        html.markup("\" y=\"").number(HEIGHT - 5.0).markup("\">");
        html.text(&format::step((point.from, point.to), zone)).markup("</text>");
    }
}
