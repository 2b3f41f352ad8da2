//! How error pages spell what they repeat.

/// Returns the text as HTML has it.
pub(crate) fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// Returns the text as a URL has it.
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// Returns the text as JSON has it, with characters of HTML escaped, too.
pub(crate) fn json(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.trim_matches('"').replace('&', "\\u0026").replace('<', "\\u003c")
}
