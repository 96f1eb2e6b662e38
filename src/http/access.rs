//! Who may make a call. The first argument of a handler is its access rule: one of the extractors here, which admits a
//! request before the handler's other arguments are looked at and before the body is read.

use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::error::ApiError;
use super::extract;
use super::state::AppState;
use crate::models::principal::{Identity, Principal, Role, Scope, Scopes};

/// What a call requires of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Anyone,
    /// To be a principal of any kind.
    Identified,
    /// To read.
    Viewer,
    /// The role analyst, and to write.
    Analyst,
    /// The role admin, and to change the installation.
    Admin,
    /// To send posts.
    Ingest,
    /// To have content analyzed.
    Analyze,
    /// This scope, and to own the object that the path names; administrators may do so with every object.
    Owner(Scope),
}

impl Access {
    /// Returns the name, as it stands in the OpenAPI document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Identified => "identified",
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
            Self::Ingest => "ingest",
            Self::Analyze => "analyze",
            Self::Owner(_) => "owner",
        }
    }

    /// Returns whether strangers are refused.
    pub const fn needs_principal(self) -> bool {
        !matches!(self, Self::Anyone)
    }

    /// Returns the least role and the scope that a caller must have; `None` if any will do.
    pub const fn requirement(self) -> Option<(Role, Scope)> {
        match self {
            Self::Anyone | Self::Identified => None,
            Self::Viewer => Some((Role::Viewer, Scope::Read)),
            Self::Analyst => Some((Role::Analyst, Scope::Write)),
            Self::Admin => Some((Role::Admin, Scope::Admin)),
            Self::Ingest => Some((Role::Viewer, Scope::Ingest)),
            Self::Analyze => Some((Role::Viewer, Scope::Analyze)),
            Self::Owner(scope) => Some((Role::Viewer, scope)),
        }
    }

    /// Returns whether the principal has the role and the scope.
    pub fn admits(self, principal: &Principal) -> bool {
        self.check(principal).is_ok()
    }

    /// Checks that the principal has the role and the scope. Whether it owns the object is another question.
    ///
    /// # Errors
    /// 403 naming the role that the principal lacks, or else the scope.
    pub fn check(self, principal: &Principal) -> Result<(), ApiError> {
        let Some((role, scope)) = self.requirement() else {
            return Ok(());
        };
        if principal.may(role, scope) {
            return Ok(());
        }
        if principal.role < role {
            return Err(ApiError::Forbidden { what: "role", name: role.as_str() });
        }
        Err(ApiError::Forbidden { what: "scope", name: scope.as_str() })
    }
}

/// Checks that a credential grants all that its holder may do. One with less must not be used to get one that lasts longer
/// or to end the others of its holder.
///
/// # Errors
/// 403 naming a scope that the credential lacks.
pub fn check_whole(principal: &Principal) -> Result<(), ApiError> {
    let mut scopes = Vec::from(Scopes::of(principal.role)).into_iter();
    match scopes.find(|scope| !principal.scopes.contains(*scope)) {
        Some(scope) => Err(ApiError::NotWhole { scope: scope.as_str() }),
        None => Ok(()),
    }
}

/// Extractor that admits only callers who meet [`AccessRule::NEEDS`].
pub trait AccessRule {
    /// What it requires of a caller.
    const NEEDS: Access;
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub Principal);

        impl AccessRule for $name {
            const NEEDS: Access = Access::$name;
        }

        impl FromRequest for $name {
            type Error = ApiError;
            type Future = Ready<Result<Self, ApiError>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(admitted(request, Self::NEEDS).map(Self))
            }
        }
    )+};
}

rules! {
    /// Principal of any kind, for calls about the caller.
    Identified;
    /// Caller who may read.
    Viewer;
    /// Caller who may change what the team works with.
    Analyst;
    /// Caller who may change the installation.
    Admin;
    /// Caller who may send posts.
    Ingest;
    /// Caller who may have content scored and analyzed.
    Analyze;
}

/// Any caller: a principal, or a stranger who presents no valid credential.
#[derive(Debug, Clone, Copy)]
pub struct Anyone(pub Option<Principal>);

impl AccessRule for Anyone {
    const NEEDS: Access = Access::Anyone;
}

impl FromRequest for Anyone {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(principal_of(request))))
    }
}

/// Object that belongs to somebody.
pub trait Owned: Sized + 'static {
    /// Type of its id, which is the parameter `id` of the path.
    type Id: FromStr + Display + Copy;
    /// What it is called in messages, such as `API key`.
    const KIND: &'static str;
    /// Scope that its owner needs for calls about it.
    const SCOPE: Scope;

    /// Returns the object with this id; `None` if there is none.
    ///
    /// # Errors
    /// If the server that knows is unavailable.
    fn find(state: &AppState, id: Self::Id) -> impl Future<Output = Result<Option<Self>, ApiError>>;

    /// Returns the identity that it belongs to; `None` if it belongs to the installation.
    fn owner(&self) -> Option<Identity>;
}

/// Owner of the object that the path names, or an administrator. For everyone else the object does not exist: a 403
/// would tell them that it does.
#[derive(Debug, Clone)]
pub struct Owner<T> {
    /// Who makes the call.
    pub principal: Principal,
    /// What the call is about.
    pub object: T,
}

impl<T: Owned> AccessRule for Owner<T> {
    const NEEDS: Access = Access::Owner(T::SCOPE);
}

impl<T: Owned> FromRequest for Owner<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        owner(request.clone()).boxed_local()
    }
}

async fn owner<T: Owned>(request: HttpRequest) -> Result<Owner<T>, ApiError> {
    let principal = admitted(&request, Access::Owner(T::SCOPE))?;
    let id: T::Id = extract::id(request.match_info().get("id").unwrap_or_default())?;
    let state = request.app_data::<Data<AppState>>();
    let state = state.ok_or_else(|| ApiError::internal("the application has no state"))?;
    let found = T::find(state, id).await?;
    let object = found.filter(|object| is_theirs(object.owner(), &principal));
    let object = object.ok_or_else(|| ApiError::NotFound { what: format!("{} `{id}`", T::KIND) })?;
    Ok(Owner { principal, object })
}

fn is_theirs(owner: Option<Identity>, principal: &Principal) -> bool {
    owner == Some(principal.identity) || Access::Admin.admits(principal)
}

/// Extractor for responses to unknown paths and methods. It admits every principal; a stranger learns neither which
/// paths exist nor which methods they support.
///
/// It is no [`AccessRule`], so no route can use it.
#[derive(Debug)]
pub struct NotAStranger;

impl FromRequest for NotAStranger {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(identified(request).map(|_| Self))
    }
}

/// Error in the extensions of a request whose caller is not known because a server is away. Calls that need a principal
/// fail with it.
#[derive(Debug)]
pub struct Undecided(pub ApiError);

/// Mark in the extensions of a request whose credential is wrong or has ended.
#[derive(Debug)]
pub struct Refused;

/// Arguments of a handler, the first of which is its access rule.
#[diagnostic::on_unimplemented(
    message = "the first argument of a handler must be its access rule",
    note = "use one of the extractors in `http::access`, such as `_: Viewer`"
)]
pub trait Ruled {
    /// What the handler requires of a caller.
    const NEEDS: Access;
}

macro_rules! ruled {
    ($($argument:ident)*) => {
        impl<Rule: AccessRule, $($argument),*> Ruled for (Rule, $($argument,)*) {
            const NEEDS: Access = Rule::NEEDS;
        }
    };
}

ruled!();
ruled!(A);
ruled!(A B);
ruled!(A B C);
ruled!(A B C D);

fn principal_of(request: &HttpRequest) -> Option<Principal> {
    request.extensions().get::<Principal>().copied()
}

fn admitted(request: &HttpRequest, access: Access) -> Result<Principal, ApiError> {
    let principal = identified(request)?;
    access.check(&principal)?;
    Ok(principal)
}

fn identified(request: &HttpRequest) -> Result<Principal, ApiError> {
    let undecided = request.extensions_mut().remove::<Undecided>();
    if let Some(Undecided(away)) = undecided {
        return Err(away);
    }
    principal_of(request).ok_or_else(|| match is_page_of_browser(request) {
        false if request.extensions().contains::<Refused>() => ApiError::CredentialRefused,
        browser => ApiError::Unauthorized { browser },
    })
}

/// Returns whether a browser is opening a page, and can ask a person for the token.
fn is_page_of_browser(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT);
    accepted.is_some_and(|accepted| String::from_utf8_lossy(accepted.as_bytes()).contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::{EmptyQuery, Parameters};
    use crate::models::id::{ShareLinkId, UserId};
    use actix_web::ResponseError as _;
    use actix_web::test::TestRequest;
    use actix_web::web;

    const ROLES: [Role; 3] = [Role::Viewer, Role::Analyst, Role::Admin];

    fn request(principal: Option<Principal>) -> HttpRequest {
        let request = TestRequest::with_uri("/?unknown=1").to_http_request();
        if let Some(principal) = principal {
            request.extensions_mut().insert(principal);
        }
        request
    }

    async fn status<T: FromRequest<Error = ApiError>>(principal: Option<Principal>) -> u16 {
        match T::extract(&request(principal)).await {
            Ok(_) => 200,
            Err(error) => error.status_code().as_u16(),
        }
    }

    /// Checks which principals with a single scope a rule admits.
    async fn check<T: FromRequest<Error = ApiError> + AccessRule>(admitted: &[(Role, Scope)]) {
        for role in ROLES {
            for scope in Scope::ALL {
                let scopes = Scopes::from_iter([scope]);
                let principal = Principal { role, scopes, ..Principal::operator() };
                let expected = if admitted.contains(&(role, scope)) { 200 } else { 403 };
                let found = status::<T>(Some(principal)).await;
                assert_eq!(found, expected, "{:?} for {role:?} with {scope:?}", T::NEEDS);
            }
            let none = Principal { role, scopes: Scopes::default(), ..Principal::operator() };
            assert_eq!(status::<T>(Some(none)).await, 403, "{:?} for {role:?} without scopes", T::NEEDS);
        }
        assert_eq!(status::<T>(None).await, 401, "{:?} for a stranger", T::NEEDS);
        assert_eq!(status::<T>(Some(Principal::operator())).await, 200, "{:?}", T::NEEDS);
        assert_eq!(status::<T>(Some(Principal::local_operator())).await, 200, "{:?}", T::NEEDS);
        let holder = Principal::share_holder(ShareLinkId::now_v7());
        let expected = if T::NEEDS == Access::Viewer { 200 } else { 403 };
        assert_eq!(status::<T>(Some(holder)).await, expected, "{:?} for a share holder", T::NEEDS);
    }

    #[actix_web::test]
    async fn a_rule_admits_only_its_role_and_scope() {
        let every = |scope| ROLES.map(|role| (role, scope));
        check::<Viewer>(&every(Scope::Read)).await;
        check::<Ingest>(&every(Scope::Ingest)).await;
        check::<Analyze>(&every(Scope::Analyze)).await;
        check::<Analyst>(&[(Role::Analyst, Scope::Write), (Role::Admin, Scope::Write)]).await;
        check::<Admin>(&[(Role::Admin, Scope::Admin)]).await;
    }

    #[actix_web::test]
    async fn anyone_is_admitted_and_unknown_paths_are_only_shown_to_principals() {
        let nobody = Principal { scopes: Scopes::default(), role: Role::Viewer, ..Principal::operator() };
        for principal in [None, Some(nobody), Some(Principal::operator())] {
            let Anyone(found) = Anyone::extract(&request(principal)).await.unwrap();
            assert_eq!(found, principal);
            let expected = if principal.is_some() { 200 } else { 401 };
            assert_eq!(status::<NotAStranger>(principal).await, expected);
            assert_eq!(status::<Identified>(principal).await, expected);
        }
    }

    #[actix_web::test]
    async fn while_it_is_unknown_who_calls_only_calls_that_are_open_to_anyone_are_served() {
        let request = request(None);
        let undecided = || Undecided(ApiError::Unavailable { what: "Redis", why: "test".to_owned() });
        request.extensions_mut().insert(undecided());
        assert!(Anyone::extract(&request).await.is_ok());
        assert_eq!(Viewer::extract(&request).await.unwrap_err().status_code().as_u16(), 503);
        request.extensions_mut().insert(undecided());
        assert_eq!(NotAStranger::extract(&request).await.unwrap_err().status_code().as_u16(), 503);
    }

    #[test]
    fn an_object_is_there_for_its_owner_and_for_administrators() {
        let (ana, bo) = (Identity::User(UserId::now_v7()), Identity::User(UserId::now_v7()));
        let of =
            |identity, role| Principal { identity, role, scopes: Scopes::of(role), ..Principal::operator() };
        let check = |owner: Option<Identity>, principal: Principal, expected: bool| {
            assert_eq!(is_theirs(owner, &principal), expected, "{owner:?} {principal:?}");
        };
        check(Some(ana), of(ana, Role::Viewer), true);
        check(Some(ana), of(bo, Role::Analyst), false);
        check(Some(ana), of(bo, Role::Admin), true);
        check(None, of(ana, Role::Analyst), false);
        check(None, of(ana, Role::Admin), true);
        check(None, Principal::operator(), true);
        // An administrator who shows only a narrow credential is no administrator.
        let narrow = Principal { scopes: Scopes::from_iter([Scope::Read]), ..of(bo, Role::Admin) };
        check(Some(ana), narrow, false);
        let holder = Principal::share_holder(ShareLinkId::now_v7());
        check(Some(ana), holder, false);
        check(None, holder, false);
    }

    #[test]
    fn a_refusal_names_the_missing_role_or_scope_and_nothing_else() {
        let check = |access: Access, role: Role, scope: Scope, expected: &str| {
            let principal = Principal { role, scopes: Scopes::from_iter([scope]), ..Principal::operator() };
            let refusal = access.check(&principal).unwrap_err();
            assert_eq!((refusal.code(), refusal.to_string().as_str()), ("forbidden", expected));
        };
        check(Access::Admin, Role::Analyst, Scope::Read, "this call requires the role `admin`");
        check(Access::Admin, Role::Admin, Scope::Write, "this call requires the scope `admin`");
        check(Access::Analyst, Role::Viewer, Scope::Write, "this call requires the role `analyst`");
        check(Access::Viewer, Role::Admin, Scope::Admin, "this call requires the scope `read`");
        check(Access::Ingest, Role::Viewer, Scope::Read, "this call requires the scope `ingest`");
    }

    #[actix_web::test]
    async fn a_rule_is_judged_before_the_other_arguments() {
        type Arguments = (Admin, Parameters<EmptyQuery>, web::Path<u8>);
        for (principal, expected) in [
            (None, 401),
            (Some(Principal::share_holder(ShareLinkId::now_v7())), 403),
            (Some(Principal::operator()), 400),
        ] {
            let refusal = Arguments::extract(&request(principal)).await.unwrap_err();
            assert_eq!(refusal.as_response_error().status_code().as_u16(), expected, "{refusal}");
        }
    }

    #[test]
    fn only_a_page_of_a_browser_prompts_for_the_token() {
        let check = |accepted: &str, expected: bool| {
            let request = TestRequest::get().insert_header((header::ACCEPT, accepted)).to_http_request();
            let refusal = identified(&request).unwrap_err();
            assert!(
                matches!(refusal, ApiError::Unauthorized { browser } if browser == expected),
                "{accepted}"
            );
        };
        check("text/html,application/xhtml+xml", true);
        check("application/json", false);
        check("*/*", false);
    }

    /// Compiles only if the arguments of a handler do not count as ruled: if they did, both implementations would fit.
    macro_rules! is_no_rule {
        ($arguments:ty) => {{
            trait Either<Which> {
                fn fits() {}
            }
            impl<T> Either<()> for T {}
            struct Ruled_;
            impl<T: Ruled> Either<Ruled_> for T {}
            <$arguments as Either<_>>::fits();
        }};
    }

    #[test]
    fn a_handler_without_a_rule_does_not_compile() {
        is_no_rule!(());
        is_no_rule!((HttpRequest,));
        is_no_rule!((NotAStranger,));
        is_no_rule!((Principal, web::Payload));
        is_no_rule!((Parameters<EmptyQuery>, Viewer));
        is_no_rule!((Option<Viewer>, web::Payload));
        assert_eq!(<(Viewer, Parameters<EmptyQuery>) as Ruled>::NEEDS, Access::Viewer);
        assert_eq!(<(Anyone,) as Ruled>::NEEDS, Access::Anyone);
    }
}
