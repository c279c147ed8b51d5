//! The OpenAPI document: what the handlers say, with what holds for all of them added once.

use super::{ProblemDetails, error};
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, OneOf};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, InfoBuilder, License, OpenApi, Ref, RefOr, Response, Schema};

/// The OpenAPI document of exactly the routes that `router` serves.
pub fn openapi() -> OpenApi {
    let mut document = super::described().into_openapi();
    document.info = InfoBuilder::new()
        .title("Countersign")
        .description(Some(
            "Purchase orders and delivery notes, version by version, with trading partners.",
        ))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(License::new("Apache-2.0")))
        .build();
    add_problems(&mut document);
    let components = document.components.get_or_insert_default();
    refer_to_rows(components);
    type_answers(components);
    open_free_objects(components);
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    document
}

/// The OpenAPI document as it is checked in: pretty, with a line feed at its end.
pub fn openapi_text() -> String {
    let mut text = openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

fn add_problems(document: &mut OpenApi) {
    let schema = RefOr::Ref(Ref::from_schema_name("ProblemDetails"));
    let problem = Response::builder()
        .description("What went wrong (RFC 9457)")
        .content(error::PROBLEM_JSON, Content::new(Some(schema)))
        .build();
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.put].into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    let components = document.components.get_or_insert_default();
    components.schemas.insert(
        "ProblemDetails".to_owned(),
        <ProblemDetails as utoipa::PartialSchema>::schema(),
    );
}

/// A page's rows are written out in place by the derive; say their name instead.
fn refer_to_rows(components: &mut Components) {
    for (name, schema) in &mut components.schemas {
        let (Some(row), RefOr::T(Schema::Object(page))) = (name.strip_prefix("Page_"), schema) else {
            continue;
        };
        if let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items") {
            items.items = ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(row))));
        }
    }
}

/// The store keeps an operation's answer as JSON; on the wire it is one of two types.
fn type_answers(components: &mut Components) {
    if let Some(RefOr::T(Schema::Object(row))) = components.schemas.get_mut("OperationRow") {
        let answer = OneOf::builder()
            .item(Ref::from_schema_name("OrderResponse"))
            .item(Ref::from_schema_name("ReceiptAdvice"))
            .build();
        row.properties
            .insert("answer".to_owned(), RefOr::T(Schema::OneOf(answer)));
    }
}

/// An object without named properties may hold any: say so, or clients read it as one that is always empty.
fn open_free_objects(components: &mut Components) {
    for schema in components.schemas.values_mut() {
        let RefOr::T(Schema::Object(object)) = schema else {
            continue;
        };
        for property in object.properties.values_mut() {
            if let RefOr::T(Schema::Object(free)) = property
                && free.properties.is_empty()
                && free.additional_properties.is_none()
                && is_object(free)
            {
                free.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
            }
        }
    }
}

fn is_object(object: &utoipa::openapi::Object) -> bool {
    use utoipa::openapi::schema::{SchemaType, Type};
    object.schema_type == SchemaType::Type(Type::Object)
}
