//! OpenAPI document of the API and its live frames. The dashboard's types are generated from it.

mod responses; // what calls have in common
mod flattened; // schemas of structs within structs

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::Config;

use super::access::Viewer;
use super::accounts::{invitations, password, password_resets, sessions, setup, sign_in, users, whoami};
// utoipa uses the last module of a path as the tag of its operations.
use super::alerts::{
    anomaly_settings as signal_settings, handlers as alerts, rules as alert_rules, silences,
};
use super::annotations;
use super::audit;
use super::credentials::{api_keys, clients, jwks, token};
use super::error::ApiError;
use super::live::{socket, sse, tickets};
use super::metrics::filter_parameters::EmotionName;
use super::metrics::{explain, explore, live as metrics, range, trends};
use super::models::{reload as models, score};
use super::notifications::{channels as notification_channels, sent as notifications};
use super::operations::{dead_letters, health, system};
use super::posts::{authors, export, handlers as posts, labels, views, work};
use super::precompressed::{self, File};
use super::reports::{preview as report_preview, runs as report_runs, schedules as reports};
use super::share::links as share_links;
use super::sources::{credentials as source_credentials, deliveries, webhooks};
use super::{sources, topics};
use crate::live::protocol::{ClientOp, ServerFrame};
use crate::models::audit::Action;
use crate::models::error_log::ErrorWindow;
use crate::models::metrics::LiveMetrics;
use crate::models::post::PostOrder;
use crate::models::post_work::Tag;
use crate::store::posts::work::QueueOrder;
use crate::trends::slice_windows::TrendWindow;

#[derive(OpenApi)]
#[openapi(
    info(title = "Groundswell"),
    paths(
        posts::ingest,
        posts::list,
        posts::get,
        posts::erase,
        posts::export,
        authors::profile,
        share_links::list,
        share_links::create,
        share_links::revoke,
        share_links::show,
        score::score,
        metrics::overall,
        metrics::geo,
        metrics::products,
        metrics::channels,
        metrics::platforms,
        metrics::emotions,
        metrics::trend,
        trends::show,
        explore::series,
        explore::breakdown,
        explore::lines,
        explain::show,
        labels::correct,
        labels::retract,
        labels::export,
        views::list,
        views::create,
        views::update,
        views::delete,
        annotations::list,
        annotations::create,
        annotations::update,
        annotations::delete,
        work::changes,
        work::change_many,
        work::get,
        work::change,
        work::note,
        work::history,
        work::queue,
        work::names,
        sources::list,
        sources::get,
        sources::create,
        sources::change,
        sources::delete,
        source_credentials::replace,
        sources::queries::get,
        sources::test,
        sources::pause,
        sources::resume,
        sources::backfill,
        webhooks::rotate_secret,
        webhooks::preview_mapping,
        deliveries::receive,
        topics::list,
        topics::get,
        topics::create,
        topics::replace,
        topics::delete,
        topics::validate,
        topics::preview,
        topics::history::create,
        topics::history::list,
        topics::history::cancel,
        alerts::list,
        alerts::get,
        alerts::acknowledge,
        alerts::unacknowledge,
        alerts::assign,
        alerts::comment,
        alert_rules::list,
        alert_rules::get,
        alert_rules::create,
        alert_rules::replace,
        alert_rules::delete,
        alert_rules::preview,
        silences::list,
        silences::create,
        silences::end,
        notification_channels::list,
        notification_channels::create,
        notification_channels::get,
        notification_channels::replace,
        notification_channels::delete,
        notification_channels::test,
        notification_channels::rotate_secret,
        notifications::list,
        notifications::resend,
        notifications::push_key,
        reports::list,
        reports::create,
        reports::get,
        reports::replace,
        reports::delete,
        report_preview::preview,
        report_runs::send,
        report_runs::list,
        report_runs::html,
        report_runs::pdf,
        audit::list,
        audit::export,
        signal_settings::show,
        signal_settings::change,
        dead_letters::list,
        dead_letters::replay,
        whoami::state,
        whoami::me,
        setup::set_up,
        sign_in::login,
        sign_in::logout,
        password::change,
        password_resets::ask,
        password_resets::set,
        invitations::accept,
        invitations::list,
        invitations::create,
        invitations::revoke,
        users::list,
        users::create,
        users::get,
        users::change,
        users::archive,
        users::reset_password,
        users::sign_out,
        sessions::list,
        sessions::end,
        token::issue,
        jwks::show,
        api_keys::list,
        api_keys::create,
        api_keys::revoke,
        api_keys::rotate,
        api_keys::usage,
        clients::list,
        clients::create,
        clients::revoke,
        clients::rotate_secret,
        tickets::issue,
        socket::open,
        sse::listen,
        system::show,
        system::errors,
        models::reload,
        system::prometheus,
        health::health,
        health::live,
        health::ready,
    ),
    components(schemas(
        TrendWindow,
        ServerFrame,
        ClientOp,
        LiveMetrics,
        metrics::WindowName,
        ErrorWindow,
        range::RangeName,
        range::WeekStart,
        explore::StepName,
        explore::Compare,
        EmotionName,
        PostOrder,
        export::Format,
        QueueOrder,
        Action,
        Tag,
    )),
    modifiers(&Token, &Completion)
)]
struct Document;

/// Modifier that adds the bearer token as a security scheme.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key, an access token, the operator's token, or the token of a share link; `docs/AUTH.md` \
                 describes them. People who use the dashboard have a session in a cookie instead. No token is needed on \
                 a server that listens on this machine only and has neither accounts nor GROUNDSWELL_AUTH_TOKEN."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Modifier that adds what the types and handlers do not declare themselves.
struct Completion;

impl Modify for Completion {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        responses::complete(document);
        flattened::merge(document.components.get_or_insert_default());
    }
}

/// Returns the document as JSON without a final newline: the output of `groundswell openapi` and the content of
/// `frontend/openapi.json`.
pub fn document() -> String {
    Document::openapi().to_pretty_json().unwrap_or_default()
}

/// The document as all responses share it: building it takes much longer than sending it.
static SERVED: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document()));

/// Responds to `GET /openapi.json` with the document.
pub async fn show(_: Viewer, request: HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type("application/json").insert_header((header::CACHE_CONTROL, "no-cache"));
    let file = File { bytes: SERVED.clone(), tag: "openapi".to_owned(), is_compressible: true };
    precompressed::respond(&request, response, file)
}

/// Settings of the interactive documentation. The badge of the default validator would be fetched from an external
/// server.
static PAGE: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from("/openapi.json").validator_url("none")));

/// Policy of the interactive documentation, whose scripts and pictures are its own but which also has inline styles.
const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Serves the files of the interactive API documentation under `/docs/`.
///
/// # Errors
/// 404 if there is no such file.
pub async fn page(_: Viewer, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let found = utoipa_swagger_ui::serve(&path, Arc::clone(&PAGE)).map_err(ApiError::internal)?;
    let file = found.ok_or_else(|| ApiError::NotFound { what: format!("`/docs/{path}`") })?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, ContentEncoding::Gzip));
    }
    response.insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY));
    Ok(response.content_type(file.content_type).body(precompressed::shared(file.bytes)))
}

/// Redirects `GET /docs` to `/docs/`.
pub async fn to_page(_: Viewer) -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::routes::Rule;
    use actix_web::http::Method;
    use serde_json::json;

    fn described() -> serde_json::Value {
        serde_json::from_str(&document()).unwrap()
    }

    /// Returns the method, path and access of each route of the table, except HEAD and the documentation itself.
    fn routes() -> BTreeSet<(String, String, String)> {
        let is_described = |rule: &Rule| {
            rule.method != Method::HEAD && rule.path != "/openapi.json" && !rule.path.starts_with("/docs")
        };
        let routes = super::super::routes().into_iter().filter(is_described);
        routes
            .map(|rule| (rule.method.to_string(), rule.path.to_owned(), rule.needs.as_str().to_owned()))
            .collect()
    }

    #[test]
    fn every_route_of_the_table_is_described_with_its_access_and_nothing_else() {
        let described = described();
        let mut found = BTreeSet::new();
        for (path, calls) in described["paths"].as_object().unwrap() {
            for (method, call) in calls.as_object().unwrap() {
                let access = call["x-groundswell-access"].as_str().unwrap_or("none").to_owned();
                found.insert((method.to_uppercase(), path.clone(), access));
            }
        }
        let routes = routes();
        assert!(routes.len() > 100, "{}", routes.len());
        assert_eq!(found.len(), routes.len());
        assert_eq!(found, routes);
    }

    #[test]
    fn descriptions_end_with_what_a_call_requires() {
        let described = described();
        let check = |path: &str, method: &str, end: &str| {
            let description = described["paths"][path][method]["description"].as_str().unwrap_or_default();
            assert!(description.ends_with(end), "{method} {path}: {description}");
        };
        check("/livez", "get", "Open to anyone.");
        check("/api/v1/posts", "get", "Requires the scope `read`. Counts against the quota `read`.");
        check("/api/v1/posts", "post", "Requires the scope `ingest`. Counts against the quota `ingest`.");
        check("/api/v1/score", "post", "Counts against the quota `score`.");
        let admin = "Requires the role `admin` and the scope `admin`. Counts against the quota `write`.";
        check("/api/v1/clients", "post", admin);
        let owner = "Requires the scope `read`, and to own the object or be an administrator. \
            Counts against the quota `write`.";
        check("/api/v1/api-keys/{id}", "delete", owner);
    }

    #[test]
    fn only_calls_that_are_open_to_anyone_need_no_token() {
        let described = described();
        for (method, path, access) in routes() {
            let call = &described["paths"][&path][method.to_lowercase()];
            let is_open = access == "anyone";
            let expected = if is_open { json!([]) } else { json!([{"token": []}]) };
            assert_eq!(call["security"], expected, "{method} {path}");
            let refusal = call["responses"]["401"]["$ref"].as_str();
            let expected = (!is_open).then_some("#/components/responses/Unauthorized");
            assert_eq!(refusal, expected, "{method} {path}");
            // Its own refusal describes the other as well.
            if path == "/api/v1/auth/token" {
                continue;
            }
            let refusal = call["responses"]["403"]["$ref"].as_str();
            let expected = if is_open { "Foreign" } else { "Forbidden" };
            assert_eq!(
                refusal,
                Some(format!("#/components/responses/{expected}")).as_deref(),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn every_call_with_a_quota_may_be_refused() {
        let described = described();
        let routes = super::super::routes().into_iter();
        let mut n_unlimited = 0;
        for rule in routes.filter(|rule| rule.method != Method::HEAD) {
            let call = &described["paths"][rule.path][rule.method.as_str().to_lowercase()];
            if call.is_null() {
                continue;
            }
            let is_unlimited = rule.class.is_none();
            n_unlimited += usize::from(is_unlimited);
            assert_eq!(call["responses"]["429"].is_null(), is_unlimited, "{} {}", rule.method, rule.path);
        }
        assert_eq!(n_unlimited, 3, "the health checks");
    }

    #[test]
    fn every_call_has_its_own_name_and_every_response_a_description() {
        let described = described();
        let mut names = std::collections::HashSet::new();
        let paths = described["paths"].as_object().unwrap().values();
        for call in paths.flat_map(|path| path.as_object().unwrap().values()) {
            assert!(
                names.insert(call["operationId"].as_str().unwrap().to_owned()),
                "{}",
                call["operationId"]
            );
            for (status, response) in call["responses"].as_object().unwrap() {
                let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
                let is_common = response["$ref"].as_str().is_some_and(|text| text.contains("/responses/"));
                assert!(described || is_common, "{} {status}", call["operationId"]);
            }
        }
    }

    #[test]
    fn every_frame_is_identified_by_its_event() {
        let described = described();
        let frames = described["components"]["schemas"]["ServerFrame"]["oneOf"].as_array().unwrap();
        let mut events = std::collections::HashSet::new();
        for frame in frames {
            let names = frame["allOf"][1]["properties"]["event"]["enum"].as_array();
            let Some([name]) = names.map(Vec::as_slice) else { panic!("no event identifies {frame}") };
            assert!(events.insert(name.as_str().unwrap()), "{name} identifies two frames");
        }
        // Clients know these; others may be added.
        for event in [
            "metrics:initial",
            "metrics:update",
            "metrics:delta",
            "message:new",
            "message:update",
            "message:skipped",
            "alert:churn",
            "alert:negativity",
            "alert:spike",
            "alert:virality",
            "alert:threshold",
            "alert:resolved",
            "system:update",
            "subscribed",
            "pong",
            "error",
        ] {
            assert!(events.contains(event), "{event} is missing in {events:?}");
        }
    }

    #[test]
    fn every_referenced_schema_exists() {
        let text = document();
        let described = described();
        let schemas = described["components"]["schemas"].as_object().unwrap();
        for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(schemas.contains_key(name), "{name} is not described");
        }
    }

    #[test]
    fn the_committed_document_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/frontend/openapi.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == document() + "\n", "run `make types`");
    }
}
