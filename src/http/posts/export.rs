//! Streams posts and labels as files.

use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt, once};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::csv_cell::harmless;
use super::export_limits::ExportPermit;
use crate::http::error::ApiError;
use crate::models::post::{ListedPost, ScoredPost};
use crate::store::StoreError;

/// File format of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// CSV with selected columns, for spreadsheets.
    #[default]
    Csv,
    /// Newline-delimited JSON with all fields.
    Ndjson,
}

const COLUMNS: &[&str] = &[
    "uuid",
    "id",
    "platform",
    "created_at",
    "received_at",
    "source",
    "text",
    "author_id",
    "author_handle",
    "author_followers",
    "lang",
    "city",
    "country",
    "lat",
    "lon",
    "products",
    "channel",
    "url",
    "reach",
    "likes",
    "shares",
    "comments",
    "views",
    "sentiment",
    "sentiment_score",
    "confidence",
    "emotion",
    "toxicity",
    "churn_risk",
    "virality",
    "model",
    "corrected_label",
    "connector",
];

/// File to stream in a response.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// One-word description of the contents, used in the file name.
    pub name: &'static str,
    /// Format of the records.
    pub format: Format,
    /// Column names for CSV files.
    pub header: &'static [&'static str],
}

/// Responds with a file of posts.
pub async fn respond(
    format: Format,
    chunks: impl Stream<Item = Result<Vec<ListedPost>, StoreError>> + Send + 'static,
    permit: ExportPermit,
) -> Result<HttpResponse, ApiError> {
    let file = File { name: "posts", format, header: COLUMNS };
    stream(file, (chunks, permit), |listed| cells(listed).to_vec()).await
}

/// Responds with a file that is streamed in chunks and never held in memory in full. A failure before the first chunk
/// becomes an error response. A later failure breaks the connection, which is the only way to signal that the file is
/// incomplete.
pub async fn stream<T: Serialize + Send + 'static>(
    file: File,
    (chunks, permit): (impl Stream<Item = Result<Vec<T>, StoreError>> + Send + 'static, ExportPermit),
    cells_of: fn(&T) -> Vec<String>,
) -> Result<HttpResponse, ApiError> {
    let mut chunks = permit.in_turn(chunks);
    let first = chunks.next().await.transpose()?.unwrap_or_default();
    let rest = once(std::future::ready(Ok(first))).chain(chunks);
    let header = match file.format {
        Format::Csv => table_row(file.header)?,
        Format::Ndjson => Vec::new(),
    };
    let body = rest.map(move |chunk| {
        let items = chunk.inspect_err(|error| tracing::warn!(%error, "an export failed"))?;
        encode(file.format, &items, cells_of)
    });
    let body = once(std::future::ready(Ok(Bytes::from(header)))).chain(body);
    let (kind, ending) = match file.format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
    };
    let name = format!("groundswell-{}.{ending}", file.name);
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(name)],
        })
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming::<_, ApiError>(permit.hold(body)))
}

fn encode<T: Serialize>(
    format: Format,
    items: &[T],
    cells_of: fn(&T) -> Vec<String>,
) -> Result<Bytes, ApiError> {
    let mut bytes = Vec::with_capacity(items.len() * 512);
    for item in items {
        match format {
            Format::Csv => bytes.extend(table_row(cells_of(item))?),
            Format::Ndjson => {
                serde_json::to_writer(&mut bytes, item).map_err(ApiError::internal)?;
                bytes.push(b'\n');
            }
        }
    }
    Ok(Bytes::from(bytes))
}

fn cells(ListedPost { scored, corrected_label, .. }: &ListedPost) -> [String; 33] {
    let ScoredPost { post, score, .. } = scored;
    let author = post.author.clone().unwrap_or_default();
    let engagement = post.engagement.unwrap_or_default();
    let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    let degrees = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let text = |value: &Option<String>| harmless(value.as_deref().unwrap_or_default());
    [
        post.uuid.to_string(),
        harmless(&post.id),
        harmless(&post.platform),
        post.created_at.to_string(),
        post.received_at.to_string(),
        harmless(post.source.as_str()),
        harmless(&post.text),
        text(&author.id),
        text(&author.handle),
        number(author.followers),
        text(&post.lang),
        text(&post.city),
        text(&post.country),
        degrees(post.lat),
        degrees(post.lon),
        harmless(&post.products.join("; ")),
        text(&post.channel),
        text(&post.url),
        post.reach.to_string(),
        number(engagement.likes),
        number(engagement.shares),
        number(engagement.comments),
        number(engagement.views),
        score.sentiment.label.as_str().to_owned(),
        score.sentiment.score.to_string(),
        score.sentiment.confidence.to_string(),
        score.emotion.label.clone(),
        score.toxicity.to_string(),
        score.churn_risk.to_string(),
        score.virality.to_string(),
        harmless(&format!("{} {}", score.model.name, score.model.version)),
        corrected_label.map(|label| label.as_str().to_owned()).unwrap_or_default(),
        post.connector.map(|id| id.to_string()).unwrap_or_default(),
    ]
}

fn table_row<C: AsRef<[u8]>>(cells: impl IntoIterator<Item = C>) -> Result<Vec<u8>, ApiError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells).map_err(ApiError::internal)?;
    writer.into_inner().map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::test::TestRequest;

    use super::*;
    use crate::http::posts::export_limits::{ExportLimits, ExportLimitsParams};
    use crate::models::id::PostId;
    use crate::models::post::{Post, Source};
    use crate::models::score::{Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};
    use actix_web::body::to_bytes;

    fn listed(text: &str) -> ListedPost {
        ListedPost { scored: scored(text), corrected_label: Some(SentimentLabel::Neutral), work: None }
    }

    fn scored(text: &str) -> ScoredPost {
        let now = "2026-05-01T12:00:00Z".parse().unwrap();
        ScoredPost {
            post: Post {
                uuid: PostId::from_u128(0),
                id: "-7".into(),
                platform: "web".into(),
                text: text.into(),
                author: None,
                lang: None,
                created_at: now,
                received_at: now,
                original_created_at: None,
                source: Source::new("http"),
                connector: None,
                city: None,
                country: None,
                lat: Some(-33.9),
                lon: None,
                products: vec!["Solo".into(), "Duo".into()],
                topics: Vec::new(),
                channel: None,
                url: None,
                parent_id: None,
                reach: 3,
                engagement: None,
            },
            score: Score {
                sentiment: Sentiment {
                    label: SentimentLabel::Negative,
                    score: -0.5,
                    confidence: 0.75,
                    uncertain: false,
                },
                emotion: Emotion { label: "anger".into(), scores: EmotionScores::default() },
                toxicity: 0.0,
                churn_risk: 0.5,
                virality: 1.0,
                model: ModelId { name: "swift".into(), version: "1".into(), hash: "ab".into() }.into(),
            },
            awaits_correction: false,
        }
    }

    fn permit() -> ExportPermit {
        let params = ExportLimitsParams { n_max: 1, n_reading_max: 1, stall_max: Duration::from_secs(60) };
        ExportLimits::new(params).acquire(&TestRequest::default().to_http_request()).unwrap()
    }

    async fn file(format: Format, chunks: Vec<Result<Vec<ListedPost>, StoreError>>) -> Bytes {
        let response = respond(format, futures_util::stream::iter(chunks), permit()).await.unwrap();
        to_bytes(response.into_body()).await.unwrap()
    }

    #[actix_web::test]
    async fn foreign_text_is_never_a_formula_and_numbers_stay_numbers() {
        let posts = vec![listed("=HYPERLINK(\"http://evil\")"), listed("two\nlines, \"quoted\"")];
        let file = file(Format::Csv, vec![Ok(posts)]).await;
        let mut reader = csv::Reader::from_reader(&file[..]);
        assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), COLUMNS);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!((&rows[0][1], &rows[0][6]), ("'-7", "'=HYPERLINK(\"http://evil\")"));
        assert_eq!((&rows[0][13], &rows[0][15], &rows[0][24]), ("-33.9", "Solo; Duo", "-0.5"));
        assert_eq!((&rows[0][30], &rows[0][31]), ("swift 1", "neutral"));
        assert_eq!(&rows[1][6], "two\nlines, \"quoted\"");
    }

    #[actix_web::test]
    async fn ndjson_has_a_post_per_line_and_an_empty_result_is_an_empty_file() {
        let chunks = vec![Ok(vec![listed("a\nb")]), Ok(vec![listed("c")])];
        let file = file(Format::Ndjson, chunks).await;
        let lines: Vec<ListedPost> = file
            .split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice(l).unwrap())
            .collect();
        assert_eq!(lines, [listed("a\nb"), listed("c")]);
        assert!(super::tests::file(Format::Ndjson, vec![]).await.is_empty());
    }

    #[actix_web::test]
    async fn an_unavailable_database_is_an_error_and_not_a_broken_file() {
        let away = StoreError::Unavailable { reason: "gone".into() };
        let outcome = respond(Format::Csv, futures_util::stream::iter(vec![Err(away)]), permit()).await;
        assert!(matches!(outcome, Err(ApiError::Unavailable { .. })));
    }
}
