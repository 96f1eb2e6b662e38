//! Adds common error responses to each operation, and headers to all responses.

use actix_web::http::Method;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::Response;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, Object, OpenApi, Ref, RefOr, ResponseBuilder, Type,
};

use crate::http::access::Access;
use crate::http::routes;
use crate::http::routes::Rule;
use crate::models::principal::Role;

/// Error response: its name in the document, status and description.
type Refusal = (&'static str, &'static str, &'static str);

/// Error responses that every call can return.
const OF_ALL: [Refusal; 1] =
    [("WrongParameter", "400", "A parameter is invalid or unknown; see `details.parameter`")];

/// Error responses that calls can return if they are open to anyone.
const OF_OPEN: [Refusal; 1] = [(
    "Foreign",
    "403",
    "The `Host` header or the page's origin is not allowed, or a change in a session does not come from the dashboard \
     (`cross_site`)",
)];

/// Error responses that calls can return if they require a role and a scope.
const OF_RULED: [Refusal; 2] = [
    (
        "Unauthorized",
        "401",
        "The credential, or the ticket for a live connection, is missing, wrong or has ended",
    ),
    (
        "Forbidden",
        "403",
        "The caller lacks the role or scope for the call (`forbidden`), the share link does not include it \
         (`not_shared`) or has ended (`share_ended`), a change in a session \
         does not come from the dashboard (`cross_site`), or the `Host` header or the page's origin is not allowed",
    ),
];

/// Extension of each call that says who may make it: `anyone`, `viewer`, `analyst` and so on.
const ACCESS: &str = "x-groundswell-access";

/// Error responses that calls can return if they take a body.
const OF_BODIES: [Refusal; 5] = [
    ("MalformedBody", "400", "The body cannot be parsed or decompressed, or a parameter is invalid"),
    ("SlowBody", "408", "The body took more than 30 seconds to arrive"),
    ("TooLarge", "413", "The body is too large"),
    (
        "UnsupportedBody",
        "415",
        "The content type is not accepted, or the content encoding is neither gzip nor identity",
    ),
    (
        "Busy",
        "429",
        "Too many request bodies are being received (`busy`), or the caller's quota is used up (`rate_limited`); retry \
         after `Retry-After` seconds",
    ),
];

/// Error responses that calls can return if they count against the caller's quota.
const OF_LIMITED: [Refusal; 1] = [(
    "RateLimited",
    "429",
    "The caller's quota for calls of this class is used up (`rate_limited`); retry after `Retry-After` seconds",
)];

/// End of the descriptions of 429 that calls have themselves.
const ALSO_LIMITED: &str = "; or the caller's quota for calls of this class is used up (`rate_limited`)";

/// Response headers: name of the component, name of the header, type and description.
const HEADERS: [(&str, &str, Type, &str); 6] = [
    ("RequestId", "x-request-id", Type::String, "Id of the request in the server's log"),
    ("RetryAfter", "retry-after", Type::Integer, "Seconds to wait before retrying"),
    ("Authenticate", "www-authenticate", Type::String, "Authentication scheme to use"),
    (
        "RateLimitLimit",
        "ratelimit-limit",
        Type::Integer,
        "Number of calls of this class that the caller may make at once; absent if the caller has no quota",
    ),
    (
        "RateLimitRemaining",
        "ratelimit-remaining",
        Type::Integer,
        "Number of such calls that the caller may make now",
    ),
    (
        "RateLimitReset",
        "ratelimit-reset",
        Type::Integer,
        "Seconds until the caller may make `ratelimit-limit` calls",
    ),
];

/// Adds to each call who may make it, as the route table says, and the common error responses, unless the call describes
/// them itself; adds the common headers to each response.
pub(super) fn complete(document: &mut OpenApi) {
    let routes = routes();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [
            (Method::GET, &mut item.get),
            (Method::PUT, &mut item.put),
            (Method::POST, &mut item.post),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ] {
            let rule = routes.iter().find(|rule| rule.path == path && rule.method == method);
            if let (Some(operation), Some(rule)) = (operation, rule) {
                complete_call(operation, rule);
            }
        }
    }
    let components = document.components.get_or_insert_default();
    for (name, status, description) in all_refusals() {
        let error = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
        let refusal = ResponseBuilder::new().description(description).content("application/json", error);
        let mut refusal = refusal.build();
        add_headers(status, &mut refusal, true);
        components.responses.insert(name.to_owned(), refusal.into());
    }
    for (component, _, kind, description) in HEADERS {
        let header: Header =
            HeaderBuilder::new().schema(Some(Object::with_type(kind))).description(Some(description)).build();
        components.headers.insert(component.to_owned(), header.into());
    }
}

fn all_refusals() -> impl Iterator<Item = Refusal> {
    OF_BODIES.into_iter().chain(OF_LIMITED).chain(OF_ALL).chain(OF_OPEN).chain(OF_RULED)
}

fn complete_call(operation: &mut Operation, rule: &Rule) {
    let is_open = !rule.needs.needs_principal();
    let token = (!is_open).then(|| SecurityRequirement::new("token", [""; 0]));
    operation.security = Some(token.into_iter().collect());
    operation.extensions.get_or_insert_default().insert(ACCESS.to_owned(), rule.needs.as_str().into());
    let description = operation.description.take().unwrap_or_default();
    let paragraphs = [description, conditions(rule)].into_iter().filter(|paragraph| !paragraph.is_empty());
    operation.description = Some(paragraphs.collect::<Vec<_>>().join("\n\n")).filter(|text| !text.is_empty());
    let of_access = if is_open { &OF_OPEN[..] } else { &OF_RULED };
    let of_bodies = if operation.request_body.is_some() { &OF_BODIES[..] } else { &[] };
    let of_limited = if rule.class.is_some() { &OF_LIMITED[..] } else { &[] };
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response {
            add_headers(status, response, rule.class.is_some());
            if status == "429" && rule.class.is_some() {
                response.description.push_str(ALSO_LIMITED);
            }
        }
    }
    for (name, status, _) in of_bodies.iter().chain(of_limited).chain(&OF_ALL).chain(of_access) {
        let refusal = || RefOr::Ref(Ref::new(format!("#/components/responses/{name}")));
        responses.entry((*status).to_owned()).or_insert_with(refusal);
    }
}

/// Returns what a call requires of its caller, and which quota it counts against, for readers of its description.
fn conditions(rule: &Rule) -> String {
    let requirement = match (rule.needs, rule.needs.requirement()) {
        (Access::Anyone, _) => "Open to anyone.".to_owned(),
        (_, None) => "Requires any credential.".to_owned(),
        (Access::Owner(_), Some((_, scope))) => {
            format!("Requires the scope `{}`, and to own the object or be an administrator.", scope.as_str())
        }
        (_, Some((Role::Viewer, scope))) => format!("Requires the scope `{}`.", scope.as_str()),
        (_, Some((role, scope))) => {
            format!("Requires the role `{}` and the scope `{}`.", role.as_str(), scope.as_str())
        }
    };
    let quota = rule.class.map(|class| format!(" Counts against the quota `{}`.", class.as_str()));
    requirement + &quota.unwrap_or_default()
}

fn add_headers(status: &str, response: &mut Response, is_limited: bool) {
    let is_refusal = is_refusal(response);
    for (component, name, ..) in HEADERS {
        let is_sent = match name {
            "retry-after" => is_refusal && matches!(status, "429" | "503"),
            "www-authenticate" => is_refusal && status == "401",
            name if name.starts_with("ratelimit-") => {
                is_limited && (status == "429" || status.starts_with('2'))
            }
            _ => true,
        };
        if is_sent {
            let header = Ref::new(format!("#/components/headers/{component}"));
            response.headers.insert(name.to_owned(), RefOr::Ref(header));
        }
    }
}

/// Returns whether the response has the error format, unlike the 503 from `/readyz`.
fn is_refusal(response: &Response) -> bool {
    let schemas = response.content.values().filter_map(|content| match content {
        RefOr::T(content) => content.schema.as_ref(),
        RefOr::Ref(_) => None,
    });
    schemas
        .into_iter()
        .any(|schema| matches!(schema, RefOr::Ref(schema) if schema.ref_location.ends_with("/ErrorBody")))
}
