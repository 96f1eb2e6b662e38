//! API with accounts, and calls that people and programs make with credentials.

use groundswell::auth::password::PasswordHasher;
use groundswell::models::principal::Role;
use groundswell::store::accounts::passwords;
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::api_server::{ApiServer, Setup, read};
use super::people::Person;

/// Path of API keys.
pub const KEYS: &str = "/api/v1/api-keys";
/// Path of clients.
pub const CLIENTS: &str = "/api/v1/clients";
/// Path that exchanges credentials for tokens.
pub const TOKEN: &str = "/api/v1/auth/token";
/// Password of Ana.
pub const PASSWORD: &str = "four unrelated words";
/// Content type of forms.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// API with accounts, and somebody who uses it.
pub struct ApiWithAccounts {
    /// API without a token of the operator.
    pub server: ApiServer,
    /// Analyst.
    pub ana: Person,
    /// Administrator.
    pub admin: Person,
}

impl ApiWithAccounts {
    /// Creates an analyst named Ana and an administrator.
    pub async fn new() -> Self {
        let server = ApiServer::open(Setup::default()).await;
        let ana = Person::new(&server.store, &server.stream, Role::Analyst).await;
        let admin = Person::new(&server.store, &server.stream, Role::Admin).await;
        server.open_access.refresh().await.unwrap();
        Self { server, ana, admin }
    }

    /// Makes a request as a page of the server's own does.
    pub fn page_request(&self, person: &Person, (method, path): (Method, &str)) -> RequestBuilder {
        let request = self.server.request(method, path).header("origin", self.server.url.as_str());
        request.header("cookie", format!("groundswell_session={}", person.cookie))
    }

    /// Makes a call as a person, and returns its status and body.
    pub async fn call_as(&self, person: &Person, call: (Method, &str), body: Value) -> (u16, Value) {
        let mut request = self.page_request(person, call);
        if !body.is_null() {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    /// Creates an API key of a person.
    pub async fn create_key(&self, person: &Person, body: Value) -> Value {
        let (status, created) = self.call_as(person, (Method::POST, KEYS), body).await;
        assert_eq!(status, 201, "{created}");
        created
    }

    /// Creates a client.
    pub async fn create_client(&self, body: Value) -> Value {
        let (status, created) = self.call_as(&self.admin, (Method::POST, CLIENTS), body).await;
        assert_eq!(status, 201, "{created}");
        created
    }

    /// Returns the status of reading and of sending posts with this bearer.
    pub async fn reads_and_sends(&self, bearer: &str) -> (u16, u16) {
        let read =
            self.server.request(Method::GET, "/api/v1/posts").bearer_auth(bearer).send().await.unwrap();
        let post = json!({"id": "1", "platform": "web", "text": "hello"});
        let sent = self.server.request(Method::POST, "/api/v1/posts").bearer_auth(bearer).json(&post);
        (read.status().as_u16(), sent.send().await.unwrap().status().as_u16())
    }

    /// Exchanges a credential, sent as JSON.
    pub async fn exchange(&self, body: Value) -> (u16, Value) {
        read(self.server.request(Method::POST, TOKEN).json(&body).send().await.unwrap()).await
    }

    /// Exchanges a credential, sent as a form, with a client in the header if there is one.
    pub async fn exchange_form(&self, body: &str, basic: Option<(&str, &str)>) -> (u16, Value) {
        let mut request = self.server.request(Method::POST, TOKEN).header("content-type", FORM);
        if let Some((id, secret)) = basic {
            request = request.basic_auth(id, Some(secret));
        }
        read(request.body(body.to_owned()).send().await.unwrap()).await
    }

    /// Runs statements, which count at once.
    pub async fn sql(&self, statement: &str) {
        self.server.space.sql().await.batch_execute(statement).await.unwrap();
        self.server.standings.forget();
    }

    /// Gives Ana a password and signs her in with it.
    pub async fn tokens_of_ana(&self) -> Value {
        let hash = PasswordHasher::new().hash(PASSWORD).await.unwrap();
        passwords::set(&self.server.store, self.ana.user.id, &hash, Timestamp::now()).await.unwrap();
        let body = json!({"grant_type": "password", "username": self.ana.user.email, "password": PASSWORD});
        let (status, tokens) = self.exchange(body).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// Exchanges a refresh token.
    pub async fn renew(&self, token: &str) -> (u16, Value) {
        self.exchange_form(&format!("grant_type=refresh_token&refresh_token={token}"), None).await
    }
}

/// Returns a text.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Returns the code of an error.
pub fn code(answer: &Value) -> &str {
    text(&answer["error"]["code"])
}
