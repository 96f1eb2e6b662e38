//! Entries of the route table: paths with the handlers of their methods, and what each handler requires of its caller.

use std::future::ready;

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Resource, Responder, Route, guard, web};

use super::access::{Access, NotAStranger, Ruled};
use super::error::ApiError;

/// One route: a method of a path, and who may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Method of the call.
    pub method: Method,
    /// Path with its parameters in braces.
    pub path: &'static str,
    /// What the call requires of its caller.
    pub needs: Access,
}

/// One path of the route table. Its methods only accept handlers whose first argument is an access rule.
pub(super) struct Entry {
    path: &'static str,
    resource: Resource,
    rules: Vec<Rule>,
}

/// Creates the entry of a path.
pub(super) fn at(path: &'static str) -> Entry {
    Entry { path, resource: web::resource(path), rules: Vec::new() }
}

impl Entry {
    /// Adds the handler of GET and HEAD.
    pub fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Ruled + 'static,
    {
        self.record(&[Method::GET, Method::HEAD], Args::NEEDS);
        self.serve(web::route().guard(guard::Any(guard::Get()).or(guard::Head())), handler)
    }

    /// Adds the handler of GET for live connections, which have no HEAD.
    pub fn live<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Ruled + 'static,
    {
        self.on(Method::GET, handler)
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
        self.record(std::slice::from_ref(&method), Args::NEEDS);
        self.serve(web::method(method), handler)
    }

    fn record(&mut self, methods: &[Method], needs: Access) {
        let path = self.path;
        self.rules.extend(methods.iter().map(|method| Rule { method: method.clone(), path, needs }));
    }

    fn serve<F, Args>(mut self, route: Route, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.resource = self.resource.route(route.to(handler));
        self
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
        self.resource.default_service(web::to(refuse))
    }
}
