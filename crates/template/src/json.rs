//! JSON documents as template data.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::Value;

/// A value. Keys of objects become lower case at every level, so that a template need not know which document writes
/// `Env` and which `env`.
pub(crate) fn lower_case(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Object(object) => {
            let entries =
                object.iter().map(|(key, value)| (Arc::from(key.to_lowercase()), lower_case(value)));
            Value::Map(Arc::new(entries.collect::<BTreeMap<Arc<str>, Value>>()))
        }
        serde_json::Value::Array(list) => Value::List(list.iter().map(lower_case).collect()),
        other => scalar(other),
    }
}

/// A value with its keys as they are.
pub(crate) fn verbatim(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Object(object) => {
            let entries = object.iter().map(|(key, value)| (Arc::from(key.as_str()), verbatim(value)));
            Value::Map(Arc::new(entries.collect::<BTreeMap<Arc<str>, Value>>()))
        }
        serde_json::Value::Array(list) => Value::List(list.iter().map(verbatim).collect()),
        other => scalar(other),
    }
}

fn scalar(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::String(text) => Value::String(text.as_str().into()),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .or_else(|| number.as_u64().map(Value::Uint))
            .or_else(|| number.as_f64().map(Value::Float))
            .unwrap_or(Value::Nil),
        _ => Value::Nil,
    }
}
