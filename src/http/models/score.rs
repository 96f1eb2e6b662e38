//! Handler that scores texts on demand without storing them.

use std::fmt;
use std::time::Duration;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::actors::scoring::job_queue::OnDemandError;
use crate::http::access::Analyze;
use crate::http::body;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::new_post::Rejection;
use crate::models::score::Score;

/// Maximum number of texts in a request: half a pipeline batch. More would keep an inference thread busy for a
/// noticeable time.
const TEXTS_MAX: usize = 256;

/// Maximum text length in characters, the same as for a post.
const TEXT_CHARS_MAX: usize = 10_000;

const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Maximum value of `budget_ms`: a minute.
const BUDGET_MS_MAX: u64 = 60_000;

/// Request to score one text or several.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreRequest {
    /// Text of 1 to 10,000 characters. The response is its score.
    #[serde(default)]
    text: Option<String>,
    /// Up to 256 texts of 1 to 10,000 characters. The response lists their scores in `scores`.
    #[serde(default)]
    texts: Option<Texts>,
    /// Time limit for the deep model in milliseconds, 0 to 60,000; defaults to `--latency-budget`. If the deep model
    /// would take longer or the server is overloaded, the fast model scores the texts.
    #[serde(default)]
    budget_ms: Option<u64>,
}

/// Written by hand because derived schemas cannot express a choice between `text` and `texts`.
impl PartialSchema for ScoreRequest {
    fn schema() -> RefOr<Schema> {
        let text = || {
            let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"\S"));
            text.min_length(Some(1)).max_length(Some(TEXT_CHARS_MAX))
        };
        let texts = ArrayBuilder::new().items(text()).min_items(Some(1)).max_items(Some(TEXTS_MAX));
        let nothing = || ObjectBuilder::new().schema_type(Type::Null);
        let budget = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
            .minimum(Some(0))
            .maximum(Some(BUDGET_MS_MAX))
            .description(Some(
                "Time limit for the deep model in milliseconds, 0 to 60,000; defaults to `--latency-budget`. \
                The fast model answers when the deep model would take longer or the server is overloaded.",
            ))
            .build();
        let base = || {
            let base = ObjectBuilder::new().property("budget_ms", budget.clone());
            base.additional_properties(Some(AdditionalProperties::FreeForm(false)))
        };
        let one = "Text of 1 to 10,000 characters; the response is its score.";
        let one = base().property("text", text().description(Some(one))).property("texts", nothing());
        let many = "Up to 256 such texts; the response holds their `scores`.";
        let many = base().property("texts", texts.description(Some(many))).property("text", nothing());
        OneOfBuilder::new()
            .item(one.required("text"))
            .item(many.required("texts"))
            .description(Some("One text or several texts to score."))
            .into()
    }
}

impl ToSchema for ScoreRequest {}

/// Scores of the texts in a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Scores {
    /// One score per text, in the same order.
    pub scores: Vec<Score>,
}

/// Response whose form depends on the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScoreAnswer)]
#[serde(untagged)]
pub enum ScoreResponse {
    /// Score of the text in `text`.
    One(Box<Score>),
    /// Scores of the texts in `texts`.
    Many(Scores),
}

/// Score texts without storing them
///
/// Uses the best model that responds within `budget_ms`; `model` names it. `virality` is predicted from the text alone.
#[utoipa::path(post, path = "/api/v1/score", tag = "posts", operation_id = "score_texts",
    request_body = ScoreRequest,
    responses(
        (status = 200, body = ScoreResponse, description = "The score or scores"),
        (status = 400, body = ErrorBody, description = "The body is not JSON"),
        (status = 413, body = ErrorBody, description = "The body exceeds 256 texts or 8 MiB"),
        (status = 422, body = ErrorBody, description = "A text or the budget is invalid; see `details.field`"),
        (status = 429, body = ErrorBody, description = "Too many texts are queued; retry after `Retry-After` seconds"),
    ))]
pub async fn score(
    _: Analyze,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let body = body::receive(&request, payload, BODY_BYTES_MAX).await?;
    let input: ScoreRequest = extract::json(&request, &body)?;
    let is_one = input.text.is_some();
    let budget = input.budget()?;
    let texts = input.into_texts()?;
    let scoring = tokio::time::timeout(
        state.on_demand_scorer.timeout(budget),
        state.on_demand_scorer.score(texts, budget),
    );
    let mut scores = match scoring.await {
        Ok(Ok(scores)) => scores,
        Ok(Err(OnDemandError::Failed(why))) => return Err(ApiError::internal(why)),
        Ok(Err(OnDemandError::Busy)) | Err(_) => {
            return Err(ApiError::Busy { what: "too many texts are queued for scoring" });
        }
    };
    if !is_one {
        return Ok(HttpResponse::Ok().json(ScoreResponse::Many(Scores { scores })));
    }
    let score = scores.pop().ok_or_else(|| ApiError::internal("a text received no score"))?;
    Ok(HttpResponse::Ok().json(ScoreResponse::One(Box::new(score))))
}

impl ScoreRequest {
    fn budget(&self) -> Result<Option<Duration>, ApiError> {
        match self.budget_ms {
            Some(ms) if ms > BUDGET_MS_MAX => {
                Err(rejected("out_of_range", "budget_ms", "the budget must be at most 60,000 milliseconds"))
            }
            budget_ms => Ok(budget_ms.map(Duration::from_millis)),
        }
    }

    fn into_texts(self) -> Result<Vec<String>, ApiError> {
        let (texts, is_one) = match (self.text, self.texts) {
            (Some(text), None) => (vec![text], true),
            (None, Some(Texts { n_sent, .. })) if n_sent > TEXTS_MAX => {
                return Err(ApiError::TooLarge { limit: TEXTS_MAX as u64, what: "texts" });
            }
            (None, Some(Texts { kept, .. })) => (kept, false),
            (Some(_), Some(_)) => {
                return Err(rejected("invalid_field", "texts", "send `text` or `texts`, not both"));
            }
            (None, None) => return Err(rejected("missing_field", "text", "send `text` or `texts`")),
        };
        if texts.is_empty() {
            return Err(rejected("empty", "texts", "send at least one text"));
        }
        for (i, text) in texts.iter().enumerate() {
            let field = || if is_one { "text".to_owned() } else { format!("texts[{i}]") };
            if text.trim().is_empty() {
                return Err(rejected("empty", &field(), "the text must not be empty"));
            }
            if text.len() > TEXT_CHARS_MAX && text.chars().count() > TEXT_CHARS_MAX {
                return Err(rejected("too_long", &field(), "the text must be at most 10,000 characters"));
            }
        }
        Ok(texts)
    }
}

fn rejected(code: &'static str, field: &str, message: &str) -> ApiError {
    ApiError::Rejected(Rejection { code, field: field.to_owned(), message: message.to_owned() })
}

/// Texts in a request. Texts beyond the limit are counted and dropped.
#[derive(Debug, Default)]
struct Texts {
    kept: Vec<String>,
    n_sent: usize,
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of texts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Texts, A::Error> {
                let mut texts = Texts::default();
                while texts.kept.len() < TEXTS_MAX {
                    let Some(text) = array.next_element()? else {
                        break;
                    };
                    texts.kept.push(text);
                }
                texts.n_sent = texts.kept.len();
                while texts.n_sent >= TEXTS_MAX && array.next_element::<IgnoredAny>()?.is_some() {
                    texts.n_sent += 1;
                }
                Ok(texts)
            }
        }

        reader.deserialize_seq(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn texts(body: &str) -> Result<Vec<String>, ApiError> {
        let request =
            TestRequest::post().insert_header(("content-type", "application/json")).to_http_request();
        extract::json::<ScoreRequest>(&request, body.as_bytes())?.into_texts()
    }

    fn refused(body: &str, code: &str, field: &str) {
        let refusal = texts(body).unwrap_err();
        let ApiError::Rejected(why) = &refusal else { panic!("{body}: {refusal}") };
        assert_eq!((why.code, why.field.as_str()), (code, field), "{body}");
    }

    #[test]
    fn one_text_or_several_are_accepted() {
        assert_eq!(texts(r#"{"text":"a"}"#).unwrap(), ["a"]);
        assert_eq!(texts(r#"{"texts":["a","b"]}"#).unwrap(), ["a", "b"]);
    }

    #[test]
    fn an_invalid_text_is_named() {
        refused("{}", "missing_field", "text");
        refused(r#"{"text":"a","texts":["b"]}"#, "invalid_field", "texts");
        refused(r#"{"texts":[]}"#, "empty", "texts");
        refused(r#"{"texts":["a"," "]}"#, "empty", "texts[1]");
        refused(r#"{"texts":["a",7]}"#, "invalid_field", "texts[1]");
        refused(r#"{"text":1}"#, "invalid_field", "text");
        refused(r#" ["a"]"#, "invalid_field", "");
        refused(r#"{"text":"a","lang":"en"}"#, "invalid_field", "lang");
        refused(&format!(r#"{{"text":"{}"}}"#, "é".repeat(10_001)), "too_long", "text");
        assert!(texts(&format!(r#"{{"text":"{}"}}"#, "é".repeat(10_000))).is_ok());
    }

    #[test]
    fn a_budget_is_at_most_a_minute() {
        let budget = |ms: u64| ScoreRequest { budget_ms: Some(ms), ..ScoreRequest::default() }.budget();
        assert_eq!(budget(60_000).unwrap(), Some(Duration::from_secs(60)));
        assert!(budget(60_001).is_err());
        refused(r#"{"text":"a","budget_ms":-1}"#, "invalid_field", "budget_ms");
    }

    #[test]
    fn too_many_texts_are_rejected_without_keeping_them() {
        let many = |n: usize| format!(r#"{{"texts":["a"{}]}}"#, r#","a""#.repeat(n - 1));
        assert_eq!(texts(&many(256)).unwrap().len(), 256);
        assert!(matches!(texts(&many(1_000)), Err(ApiError::TooLarge { limit: 256, .. })));
        assert!(matches!(texts(&many(257)), Err(ApiError::TooLarge { limit: 256, .. })));
        assert!(matches!(texts(&many(1_000_000)), Err(ApiError::TooLarge { .. })));
    }
}
