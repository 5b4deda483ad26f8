//! The functions that this ruleset adds to those of the language.

use gotmpl::{Template, TemplateError, Value};

use crate::time;

type Outcome = Result<Value, TemplateError>;
type Function = fn(&[Value]) -> Outcome;

/// Name and implementation. Each checks the number of its arguments itself.
const FUNCTIONS: &[(&str, Function)] = &[
    ("getkv", get),
    ("appendkv", append),
    ("prependkv", prepend),
    ("split", split),
    ("join", join),
    ("hasprefix", |args| texts("hasprefix", args).map(|[text, part]| Value::Bool(text.starts_with(part)))),
    ("hassuffix", |args| texts("hassuffix", args).map(|[text, part]| Value::Bool(text.ends_with(part)))),
    ("trimprefix", |args| {
        texts("trimprefix", args).map(|[text, part]| string(text.strip_prefix(part).unwrap_or(text)))
    }),
    ("trimsuffix", |args| {
        texts("trimsuffix", args).map(|[text, part]| string(text.strip_suffix(part).unwrap_or(text)))
    }),
    ("rfc3339", rfc3339),
];

/// Adds them to a template.
pub(crate) fn register(template: Template) -> Template {
    FUNCTIONS.iter().fold(template, |template, (name, function)| template.func(name, *function))
}

fn string(text: &str) -> Value {
    Value::String(text.into())
}

fn error(message: String) -> TemplateError {
    TemplateError::Exec(message)
}

fn arguments<'a, const N: usize>(name: &str, args: &'a [Value]) -> Result<&'a [Value; N], TemplateError> {
    args.try_into().map_err(|_| TemplateError::ArgCount {
        name: name.to_owned(),
        expected: N,
        got: args.len(),
    })
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, TemplateError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(error(format!("{name}: expected a string, found {} `{other}`", other.type_name()))),
    }
}

fn texts<'a, const N: usize>(name: &str, args: &'a [Value]) -> Result<[&'a str; N], TemplateError> {
    let args: &[Value; N] = arguments(name, args)?;
    let mut texts = [""; N];
    for (to, from) in texts.iter_mut().zip(args) {
        *to = text(name, from)?;
    }
    Ok(texts)
}

/// The elements of a list. Nothing is an empty list: a base image may have no environment at all.
fn list<'a>(name: &str, value: &'a Value) -> Result<&'a [Value], TemplateError> {
    match value {
        Value::List(list) => Ok(list),
        Value::Nil => Ok(&[]),
        other => Err(error(format!("{name}: expected a list, found {} `{other}`", other.type_name()))),
    }
}

/// The value of a key in a list of `KEY=VALUE`.
fn find<'a>(name: &str, pairs: &'a Value, key: &Value) -> Result<Option<&'a str>, TemplateError> {
    let key = text(name, key)?;
    for pair in list(name, pairs)? {
        if let Some((found, value)) = text(name, pair)?.split_once('=')
            && found == key
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn get(args: &[Value]) -> Outcome {
    let [pairs, key] = arguments("getkv", args)?;
    Ok(string(find("getkv", pairs, key)?.unwrap_or_default()))
}

fn append(args: &[Value]) -> Outcome {
    let [pairs, key, suffix] = arguments("appendkv", args)?;
    let value = find("appendkv", pairs, key)?.unwrap_or_default();
    Ok(string(&format!("{value}{}", text("appendkv", suffix)?)))
}

fn prepend(args: &[Value]) -> Outcome {
    let [pairs, key, prefix] = arguments("prependkv", args)?;
    let value = find("prependkv", pairs, key)?.unwrap_or_default();
    Ok(string(&format!("{}{value}", text("prependkv", prefix)?)))
}

fn split(args: &[Value]) -> Outcome {
    let [text, separator] = texts("split", args)?;
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|character| string(character.encode_utf8(&mut [0; 4]))).collect()
    } else {
        text.split(separator).map(string).collect()
    };
    Ok(Value::List(parts.into()))
}

fn join(args: &[Value]) -> Outcome {
    let [parts, separator] = arguments("join", args)?;
    let parts = list("join", parts)?.iter().map(|part| text("join", part)).collect::<Result<Vec<_>, _>>()?;
    Ok(string(&parts.join(text("join", separator)?)))
}

fn rfc3339(args: &[Value]) -> Outcome {
    let [value] = arguments("rfc3339", args)?;
    let seconds = match value {
        Value::Int(seconds) => *seconds,
        value => match text("rfc3339", value)? {
            "" => return Ok(string("")),
            text => text.parse().map_err(|_| {
                error(format!("rfc3339: expected seconds since 1970 such as `1700000000`, found `{text}`"))
            })?,
        },
    };
    time::rfc3339(seconds)
        .map(|text| string(&text))
        .ok_or_else(|| error(format!("rfc3339: the year of `{seconds}` does not have four digits")))
}
