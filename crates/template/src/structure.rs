//! Whether what a template opens is closed. The parser of crate `gotmpl` closes open blocks by itself and stops at an
//! `end` too many, which would lose text without a word.

/// A block that waits for its `end`.
struct Block {
    keyword: &'static str,
    has_else: bool,
}

/// Says what is wrong with the blocks of a template. A template that the parser refuses anyway may pass.
pub(crate) fn problem(text: &str) -> Option<String> {
    let mut open: Vec<Block> = Vec::new();
    for action in actions(text) {
        let mut words = action.split_whitespace();
        let first = words.next().unwrap_or_default();
        match first {
            "define" if !open.is_empty() => return Some("unexpected `define` inside a block".to_owned()),
            "if" | "with" | "range" | "define" | "block" => {
                let keyword =
                    ["if", "with", "range", "define", "block"].into_iter().find(|known| *known == first)?;
                open.push(Block { keyword, has_else: false });
            }
            "end" => {
                let Some(_) = open.pop() else {
                    return Some("unexpected `end`: no block is open".to_owned());
                };
            }
            "else" => match open.last_mut() {
                Some(Block { keyword: "if" | "with" | "range", has_else: has_else @ false }) => {
                    *has_else = words.next().is_none();
                }
                _ => return Some("unexpected `else`".to_owned()),
            },
            "break" | "continue" if !open.iter().any(|block| block.keyword == "range") => {
                return Some(format!("unexpected `{first}` outside of `range`"));
            }
            _ => {}
        }
    }
    open.last().map(|block| format!("`{}` has no `end`", block.keyword))
}

/// What stands between `{{` and `}}`, trim markers and comments left out.
fn actions(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find("{{")?;
        let action = &rest[start + 2..];
        let action = action.strip_prefix("- ").unwrap_or(action).trim_start();
        if let Some(comment) = action.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
            return Some("");
        }
        let end = end_of(action);
        rest = &action[end..];
        let action = &action[..end];
        Some(action.strip_suffix('-').unwrap_or(action))
    })
}

/// Where `}}` stands that is not part of a constant; the end of the text if it stands nowhere.
fn end_of(action: &str) -> usize {
    let mut quote = None;
    let mut characters = action.char_indices();
    while let Some((at, character)) = characters.next() {
        match quote {
            Some('"' | '\'') if character == '\\' => {
                characters.next();
            }
            Some(open) if open == character => quote = None,
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None if action[at..].starts_with("}}") => return at,
            _ => {}
        }
    }
    action.len()
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn balanced() {
        let table = [
            "",
            "{{if .X}}{{else if .Y}}{{else if .Z}}{{else}}{{end}}",
            "{{ if .X -}} a {{- end }}",
            "{{range .X}}{{if .Y}}{{break}}{{else}}{{continue}}{{end}}{{else}}{{end}}",
            "{{\"{{end}}\"}}{{`}}`}}{{'\\''}}{{\"\\\"}}\"}}",
            "{{/* {{end}} */}}{{- /* {{if}} */ -}}",
            "{{define \"x\"}}{{end}}{{block \"y\" .}}{{end}}{{with .X}}{{else with .Y}}{{end}}",
            "{{.end}}{{endless}}",
        ];
        for text in table {
            assert_eq!(problem(text), None, "{text}");
        }
    }

    #[test]
    fn unbalanced() {
        let table = [
            ("{{end}}", "unexpected `end`: no block is open"),
            ("{{if .X}}{{end}} {{ end }}", "unexpected `end`: no block is open"),
            ("{{if .X}}", "`if` has no `end`"),
            ("{{range .X}}{{with .Y}}{{end}}", "`range` has no `end`"),
            ("{{else}}", "unexpected `else`"),
            ("{{if .X}}{{else}}{{else}}{{end}}", "unexpected `else`"),
            ("{{block \"x\" .}}{{else}}{{end}}", "unexpected `else`"),
            ("{{break}}", "unexpected `break` outside of `range`"),
            ("{{if .X}}{{define \"y\"}}{{end}}{{end}}", "unexpected `define` inside a block"),
        ];
        for (text, expected) in table {
            assert_eq!(problem(text).as_deref(), Some(expected), "{text}");
        }
    }
}
