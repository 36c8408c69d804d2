//! Endpoints: each says what it needs, and what it is for; the document of the API is made of that.

use super::Context;
use super::access::{admit, open};
use super::describe::Arguments;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::{Map, Value, json};
use vigo_core::server::Permission;

/// The endpoints of the API.
#[derive(Default)]
pub(super) struct Endpoints {
    router: Router<Context>,
    listed: Vec<Endpoint>,
}

/// One of them, for the document.
struct Endpoint {
    path: &'static str,
    method: &'static str,
    needs: Option<Permission>,
    summary: &'static str,
    description: super::describe::Taken,
}

/// What is done with what lies at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

impl Endpoints {
    /// Adds what whoever has `needs` may ask.
    pub(super) fn at<H, T>(
        self,
        verb: Verb,
        path: &'static str,
        needs: Permission,
        summary: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Context>,
        T: Arguments + 'static,
    {
        let handler = admit(on(verb.filter(), handler), needs);
        self.add(verb, path, Some(needs), summary, handler, T::taken())
    }

    /// The same, with a body of up to `bytes_max`.
    pub(super) fn large<H, T>(
        self,
        verb: Verb,
        path: &'static str,
        needs: Permission,
        summary: &'static str,
        handler: H,
        bytes_max: usize,
    ) -> Self
    where
        H: Handler<T, Context>,
        T: Arguments + 'static,
    {
        let handler = on(verb.filter(), handler).layer(DefaultBodyLimit::max(bytes_max));
        self.add(verb, path, Some(needs), summary, admit(handler, needs), T::taken())
    }

    /// Adds what anybody may ask.
    pub(super) fn open<H, T>(self, verb: Verb, path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Context>,
        T: Arguments + 'static,
    {
        self.add(verb, path, None, summary, open(on(verb.filter(), handler)), T::taken())
    }

    fn add(
        mut self,
        verb: Verb,
        path: &'static str,
        needs: Option<Permission>,
        summary: &'static str,
        handler: MethodRouter<Context>,
        description: super::describe::Taken,
    ) -> Self {
        self.router = self.router.route(path, handler);
        self.listed.push(Endpoint { path, method: verb.word(), needs, summary, description });
        self
    }

    /// Returns what answers, and the document of it.
    pub(super) fn finish(self) -> (Router<Context>, Value) {
        let document = document(&self.listed);
        (self.router, document)
    }
}

/// Returns the document, OpenAPI 3.1.
fn document(endpoints: &[Endpoint]) -> Value {
    let mut paths = Map::new();
    for endpoint in endpoints {
        let at = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        at[endpoint.method] = operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Vigo",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The REST API of vigosrv. Each operation names the permission that it needs, and the least role \
                that has it.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "bearerFormat": "vgot_…" } },
            "schemas": { "Problem": {
                "type": "object",
                "description": "What is wrong, RFC 9457.",
                "required": ["code", "status", "detail"],
                "properties": {
                    "code": { "type": "string", "description": "A stable word." },
                    "status": { "type": "integer" },
                    "detail": { "type": "string" },
                    "help": { "type": "string", "description": "What to do about it." },
                    "diagnostics": { "type": "array", "items": { "type": "object" } },
                },
            } },
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let in_path = endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path =
        in_path.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = endpoint.description.query.iter();
    let in_query = in_query.map(|(name, schema)| json!({ "name": name, "in": "query", "schema": schema }));
    let mut operation = json!({
        "summary": endpoint.summary,
        "operationId": name(endpoint),
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "200": { "description": "Done.", "content": { "application/json": { "schema": { "type": "object" } } } },
            "default": {
                "description": "It was not done.",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            },
        },
    });
    match endpoint.needs {
        None => operation["security"] = json!([]),
        Some(needs) => {
            operation["security"] = json!([{ "token": [] }]);
            operation["x-permission"] = needs.word().into();
            operation["x-role"] = needs.needs().word().into();
        }
    }
    if let Some(fields) = &endpoint.description.body {
        let properties: Map<_, _> = fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
        let schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        operation["requestBody"] = json!({ "content": { "application/json": { "schema": schema } } });
    }
    operation
}

/// Returns a name for an operation: `post_envoys_id_revoke`.
fn name(endpoint: &Endpoint) -> String {
    let path = endpoint.path.trim_start_matches("/api/v1").replace(['{', '}'], "");
    let words = path.split(['/', '-', '.']).filter(|word| !word.is_empty());
    std::iter::once(endpoint.method).chain(words).collect::<Vec<_>>().join("_")
}
