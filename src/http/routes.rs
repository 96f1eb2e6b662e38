//! Entries of the route table: paths with the handlers of their methods, what each handler requires of its caller, and
//! the class of its rate limit.

use std::future::ready;

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Resource, Responder, Route, guard, web};

use super::access::{Access, NotAStranger, Ruled};
use super::error::ApiError;
use super::rate_limit::{class_of, limited};
use crate::auth::limits::RouteClass;

/// One route: a method of a path, and who may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Method of the call.
    pub method: Method,
    /// Path with its parameters in braces.
    pub path: &'static str,
    /// What the call requires of its caller.
    pub needs: Access,
    /// Class whose quota the call uses up; `None` if it is not limited.
    pub class: Option<RouteClass>,
}

/// One path of the route table. Its methods only accept handlers whose first argument is an access rule.
pub(super) struct Entry {
    path: &'static str,
    resource: Resource,
    rules: Vec<Rule>,
    classes: Classes,
}

/// How the routes of a path are limited.
#[derive(Clone, Copy)]
enum Classes {
    /// Each by its method and access.
    ByRoute,
    /// All in this class.
    All(RouteClass),
    /// Not at all.
    Unlimited,
}

/// Creates the entry of a path.
pub(super) fn at(path: &'static str) -> Entry {
    Entry { path, resource: web::resource(path), rules: Vec::new(), classes: Classes::ByRoute }
}

impl Entry {
    /// Counts all calls of the path as this class. Comes before its methods.
    pub const fn counts_as(mut self, class: RouteClass) -> Self {
        self.classes = Classes::All(class);
        self
    }

    /// Excludes the path from rate limits. Comes before its methods.
    pub const fn unlimited(mut self) -> Self {
        self.classes = Classes::Unlimited;
        self
    }

    /// Adds the handler of GET and HEAD.
    pub fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Ruled + 'static,
    {
        let class = self.record(&[Method::GET, Method::HEAD], Args::NEEDS);
        let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        self.serve(route.to(handler), class)
    }

    /// Adds the handler of GET for live connections, which have no HEAD. Opening them is a class of its own.
    pub fn live<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Ruled + 'static,
    {
        self.counts_as(RouteClass::Live).on(Method::GET, handler)
    }

    /// Adds the handler of POST.
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Ruled + 'static,
    {
        self.on(Method::POST, handler)
    }

    /// Adds the handler of PUT.
    pub fn put<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Ruled + 'static,
    {
        self.on(Method::PUT, handler)
    }

    /// Adds the handler of PATCH.
    pub fn patch<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Ruled + 'static,
    {
        self.on(Method::PATCH, handler)
    }

    /// Adds the handler of DELETE.
    pub fn delete<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Ruled + 'static,
    {
        self.on(Method::DELETE, handler)
    }

    fn on<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Ruled + 'static,
    {
        let class = self.record(std::slice::from_ref(&method), Args::NEEDS);
        self.serve(web::method(method).to(handler), class)
    }

    /// Records a route and returns the class of its rate limit.
    fn record(&mut self, methods: &[Method], needs: Access) -> Option<RouteClass> {
        let path = self.path;
        let class = match self.classes {
            Classes::ByRoute => methods.first().map(|method| class_of(method, needs)),
            Classes::All(class) => Some(class),
            Classes::Unlimited => None,
        };
        self.rules.extend(methods.iter().map(|method| Rule { method: method.clone(), path, needs, class }));
        class
    }

    fn serve(mut self, route: Route, class: Option<RouteClass>) -> Self {
        let route = match class {
            Some(class) => limited(route, class),
            None => route,
        };
        self.resource = self.resource.route(route);
        self
    }

    /// Returns whether a part of the path varies.
    pub fn has_parameters(&self) -> bool {
        self.path.contains('{')
    }

    /// Returns the routes of this path.
    pub fn into_rules(self) -> Vec<Rule> {
        self.rules
    }

    /// Returns the resource, which responds to other methods with 405.
    pub fn into_resource(self) -> Resource {
        let methods: Vec<&str> = self.rules.iter().map(|rule| rule.method.as_str()).collect();
        let allow = methods.join(", ");
        let refuse =
            move |_: NotAStranger| ready(Err::<&str, _>(ApiError::MethodNotAllowed { allow: allow.clone() }));
        self.resource.default_service(limited(web::to(refuse), RouteClass::Read))
    }
}
