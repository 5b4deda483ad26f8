//! The same output as Go's, or an error where Go has one.

use serde_json::json;
use template::Variables;

fn variables() -> Variables {
    let mut variables = Variables::new();
    for (name, value) in [
        ("NAME", json!("app")),
        ("EMPTY", json!("")),
        ("N", json!(3)),
        ("YES", json!(true)),
        ("NO", json!(false)),
        ("LIST", json!(["a", "b", "c"])),
        ("NONE", json!([])),
        ("MAP", json!({"x": "1", "y": {"z": "deep"}})),
    ] {
        variables.define(name, &value);
    }
    variables
}

#[test]
fn as_go_prints_it() {
    let variables = variables();
    let mut wrong = Vec::new();
    for line in include_str!("go.tsv").lines() {
        let (template, expected) = line.split_once('\t').unwrap();
        let template: String = serde_json::from_str(template).unwrap();
        let found = variables.expand(&template).map_or("error".to_owned(), |text| json!(text).to_string());
        if found != expected {
            wrong.push(format!("{template}: Go prints {expected}, we {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
