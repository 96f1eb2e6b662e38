//! What is exchanged for a token, as JSON or, as OAuth 2 demands (RFC 6749), as a form with the client in a header.

use actix_web::HttpRequest;
use actix_web::http::header;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::http::extract;
use crate::models::account::Email;
use crate::models::principal::{Scope, Scopes};

/// Kind of exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A client presents its id and secret.
    ClientCredentials,
    /// A person presents an email address and a password.
    Password,
    /// A program presents the refresh token of an earlier exchange.
    RefreshToken,
}

/// Credential to exchange for an access token: `api_key`; `client_id` and `client_secret`; `username` and `password`; or
/// `refresh_token`. `grant_type` may be left out for API keys and clients.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Kind of exchange.
    grant_type: Option<GrantType>,
    /// Id of the client, unless it is in the header `Authorization: Basic`.
    client_id: Option<String>,
    /// Secret of the client, unless it is in the header `Authorization: Basic`.
    client_secret: Option<String>,
    /// Email address of a person.
    username: Option<String>,
    /// Password of a person.
    #[schema(format = Password, max_length = 1024)]
    password: Option<String>,
    /// Refresh token of an earlier exchange.
    refresh_token: Option<String>,
    /// API key.
    api_key: Option<String>,
    /// Scopes of the token, separated by spaces. By default, it has all that the credential grants.
    scope: Option<String>,
}

/// What is exchanged. It cannot be logged, since it contains secrets.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub enum Grant {
    /// API key.
    ApiKey(String),
    /// Client with its secret.
    Client {
        /// Id of the client, as presented.
        id: String,
        /// Secret of the client.
        secret: String,
    },
    /// Person with a password; `None` if the address has not the form of one.
    Password {
        /// Email address of the account.
        email: Option<Email>,
        /// Password of the account.
        password: String,
    },
    /// Refresh token.
    RefreshToken(String),
}

impl Grant {
    /// Returns the name of this kind of exchange.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ApiKey(_) => "api_key",
            Self::Client { .. } => "client_credentials",
            Self::Password { .. } => "password",
            Self::RefreshToken(_) => "refresh_token",
        }
    }
}

impl TokenRequest {
    /// Parses a body. A form may have fields that this server does not know, as RFC 6749 demands; JSON may not.
    ///
    /// # Errors
    /// 415 for other content types, 400 if the body cannot be parsed, 422 naming a field.
    pub fn parse(request: &HttpRequest, body: &[u8]) -> Result<Self, ApiError> {
        match extract::content_type(request).as_str() {
            "application/json" => extract::json(request, body),
            "application/x-www-form-urlencoded" => Self::of_form(body),
            _ => Err(ApiError::UnsupportedMediaType {
                expected: "application/json or application/x-www-form-urlencoded",
            }),
        }
    }

    fn of_form(body: &[u8]) -> Result<Self, ApiError> {
        let mut parsed = Self::default();
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body)
            .map_err(|error| ApiError::MalformedBody(format!("the body is not a valid form: {error}")))?;
        for (name, value) in pairs {
            let field = match name.as_str() {
                "grant_type" => {
                    let grant_type = grant_type_named(&value)?;
                    if parsed.grant_type.replace(grant_type).is_some() {
                        return Err(twice(&name));
                    }
                    continue;
                }
                "client_id" => &mut parsed.client_id,
                "client_secret" => &mut parsed.client_secret,
                "username" => &mut parsed.username,
                "password" => &mut parsed.password,
                "refresh_token" => &mut parsed.refresh_token,
                "api_key" => &mut parsed.api_key,
                "scope" => &mut parsed.scope,
                _ => continue,
            };
            if field.replace(value).is_some() {
                return Err(twice(&name));
            }
        }
        Ok(parsed)
    }

    /// Returns what is exchanged, and the scopes that are asked for. `client` is that of the header.
    ///
    /// # Errors
    /// 422 naming the field that is missing, invalid or too many.
    pub fn resolve(self, client: Option<(String, String)>) -> Result<(Grant, Option<Scopes>), ApiError> {
        let scopes = self.scope.as_deref().map(scopes_named).transpose()?;
        let (id, secret) = match client {
            Some(_) if self.client_secret.is_some() => {
                let message = "the client presents its secret twice".to_owned();
                return Err(ApiError::invalid_field("client_secret", message));
            }
            Some((id, secret)) => (Some(id), Some(secret)),
            None => (self.client_id, self.client_secret),
        };
        let grant_type = match (self.grant_type, &self.api_key) {
            (None, Some(_)) => {
                let key = self.api_key.unwrap_or_default();
                return Ok((Grant::ApiKey(key), scopes));
            }
            (Some(_), Some(_)) => {
                let message = "an API key is exchanged without a grant type".to_owned();
                return Err(ApiError::invalid_field("api_key", message));
            }
            (None, None) if id.is_some() || secret.is_some() => GrantType::ClientCredentials,
            (None, None) => return Err(missing("grant_type")),
            (Some(grant_type), None) => grant_type,
        };
        let grant = match grant_type {
            GrantType::ClientCredentials => Grant::Client {
                id: id.ok_or_else(|| missing("client_id"))?,
                secret: secret.ok_or_else(|| missing("client_secret"))?,
            },
            GrantType::Password => Grant::Password {
                email: self.username.ok_or_else(|| missing("username"))?.parse().ok(),
                password: self.password.ok_or_else(|| missing("password"))?,
            },
            GrantType::RefreshToken => {
                Grant::RefreshToken(self.refresh_token.ok_or_else(|| missing("refresh_token"))?)
            }
        };
        Ok((grant, scopes))
    }
}

/// Returns the client that the header `Authorization: Basic` presents, as id and secret.
pub fn client_of(request: &HttpRequest) -> Option<(String, String)> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    // Neither part contains characters that RFC 6749 escapes here.
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn grant_type_named(name: &str) -> Result<GrantType, ApiError> {
    match name {
        "client_credentials" => Ok(GrantType::ClientCredentials),
        "password" => Ok(GrantType::Password),
        "refresh_token" => Ok(GrantType::RefreshToken),
        _ => {
            let message = "the grant type must be client_credentials, password or refresh_token".to_owned();
            Err(ApiError::invalid_field("grant_type", message))
        }
    }
}

fn scopes_named(names: &str) -> Result<Scopes, ApiError> {
    let named = |name: &str| Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
    let scopes: Option<Scopes> = names.split_ascii_whitespace().map(named).collect();
    scopes.filter(|scopes| !scopes.is_empty()).ok_or_else(|| {
        let known = Scope::ALL.map(Scope::as_str).join(", ");
        ApiError::invalid_field("scope", format!("name scopes separated by spaces: {known}"))
    })
}

fn missing(field: &str) -> ApiError {
    ApiError::invalid_field(field, format!("`{field}` is missing"))
}

fn twice(field: &str) -> ApiError {
    ApiError::invalid_field(field, format!("`{field}` must be given only once"))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn parse(content_type: &str, body: &str) -> Result<TokenRequest, ApiError> {
        let request = TestRequest::post().insert_header(("content-type", content_type)).to_http_request();
        TokenRequest::parse(&request, body.as_bytes())
    }

    fn form(body: &str) -> Result<(Grant, Option<Scopes>), ApiError> {
        parse("application/x-www-form-urlencoded", body)?.resolve(None)
    }

    fn json(body: &str) -> Result<(Grant, Option<Scopes>), ApiError> {
        parse("application/json", body)?.resolve(None)
    }

    fn refused(outcome: Result<(Grant, Option<Scopes>), ApiError>, field: &str) {
        let refusal = outcome.unwrap_err();
        assert!(matches!(&refusal, ApiError::Rejected(wrong) if wrong.field == field), "{refusal:?}");
    }

    #[test]
    fn each_shape_is_understood_as_json_and_as_a_form() {
        let key = || Grant::ApiKey("gsk_1".to_owned());
        let client = || Grant::Client { id: "a".to_owned(), secret: "b+".to_owned() };
        let refresh = || Grant::RefreshToken("gsr_1".to_owned());
        let person = |email: Option<&str>| Grant::Password {
            email: email.map(|email| email.parse().unwrap()),
            password: "p q".to_owned(),
        };
        for (in_json, in_form, grant) in [
            (r#"{"api_key":"gsk_1"}"#, "api_key=gsk_1", key()),
            (r#"{"client_id":"a","client_secret":"b+"}"#, "client_id=a&client_secret=b%2B", client()),
            (
                r#"{"grant_type":"client_credentials","client_id":"a","client_secret":"b+"}"#,
                "client_secret=b%2B&grant_type=client_credentials&client_id=a&audience=unknown",
                client(),
            ),
            (
                r#"{"grant_type":"refresh_token","refresh_token":"gsr_1"}"#,
                "grant_type=refresh_token&refresh_token=gsr_1",
                refresh(),
            ),
            (
                r#"{"grant_type":"password","username":"Ana@Example.com","password":"p q"}"#,
                "grant_type=password&username=ana%40example.com&password=p+q",
                person(Some("ana@example.com")),
            ),
            (
                r#"{"grant_type":"password","username":"ana","password":"p q"}"#,
                "grant_type=password&username=ana&password=p+q",
                person(None),
            ),
        ] {
            let grant = (grant, None);
            assert_eq!(json(in_json).unwrap(), grant, "{in_json}");
            assert_eq!(form(in_form).unwrap(), grant, "{in_form}");
        }
        let (_, scopes) = form("api_key=gsk_1&scope=read+ingest").unwrap();
        assert_eq!(scopes, Some(Scopes::from_iter([Scope::Read, Scope::Ingest])));
    }

    #[test]
    fn what_is_missing_unknown_or_given_twice_is_named() {
        refused(json("{}"), "grant_type");
        refused(json(r#"{"grant_type":"magic"}"#), "grant_type");
        refused(form("grant_type=magic"), "grant_type");
        refused(json(r#"{"client_id":"a"}"#), "client_secret");
        refused(json(r#"{"client_secret":"a"}"#), "client_id");
        refused(json(r#"{"grant_type":"password","username":"a"}"#), "password");
        refused(json(r#"{"grant_type":"refresh_token"}"#), "refresh_token");
        refused(json(r#"{"grant_type":"password","api_key":"a"}"#), "api_key");
        refused(json(r#"{"api_key":"a","scope":"read fly"}"#), "scope");
        refused(json(r#"{"api_key":"a","scope":" "}"#), "scope");
        refused(form("api_key=a&api_key=b"), "api_key");
        refused(form("grant_type=password&grant_type=password"), "grant_type");
        assert!(json(r#"{"api_key":"a","audience":"x"}"#).is_err());
        assert!(matches!(parse("text/plain", "").err(), Some(ApiError::UnsupportedMediaType { .. })));
    }

    #[test]
    fn a_client_may_present_itself_in_the_header() {
        let client = |value: &str| {
            client_of(&TestRequest::post().insert_header(("authorization", value)).to_http_request())
        };
        let (id, secret) = ("a".to_owned(), "b:c".to_owned());
        // `a:b:c`
        assert_eq!(client("Basic YTpiOmM="), Some((id.clone(), secret.clone())));
        assert_eq!(client("basic YTpiOmM="), Some((id.clone(), secret.clone())));
        for other in ["Bearer YTpiOmM=", "Basic !", "Basic YQ==", "Basic"] {
            assert_eq!(client(other), None, "{other}");
        }
        let body = |body| parse("application/x-www-form-urlencoded", body).unwrap();
        let presented = || Some((id.clone(), secret.clone()));
        let (grant, _) = body("grant_type=client_credentials").resolve(presented()).unwrap();
        assert_eq!(grant, Grant::Client { id: id.clone(), secret: secret.clone() });
        refused(body("grant_type=client_credentials&client_secret=x").resolve(presented()), "client_secret");
    }
}
