//! What gungraun has counted: one `summary.json` for each benchmark.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::Problem;

#[derive(Deserialize)]
struct Summary {
    function_name: String,
    id: Option<String>,
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    metrics: BTreeMap<String, Metric>,
}

#[derive(Deserialize)]
struct Metric {
    values: Values,
}

#[derive(Deserialize)]
struct Values {
    new: u64,
}

/// Reads all of them below a folder.
pub(super) fn read(folder: &Path) -> Result<BTreeMap<String, u64>, Problem> {
    let mut counts = BTreeMap::new();
    visit(folder, &mut counts)?;
    if counts.is_empty() {
        return Err(format!("nothing was counted in {}", folder.display()).into());
    }
    Ok(counts)
}

fn visit(folder: &Path, counts: &mut BTreeMap<String, u64>) -> Result<(), Problem> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            visit(&path, counts)?;
        } else if path.file_name().is_some_and(|name| name == "summary.json") {
            let (name, count) = one(&std::fs::read(&path)?)
                .map_err(|problem| format!("{}: {problem}", path.display()))?;
            counts.insert(name, count);
        }
    }
    Ok(())
}

fn one(json: &[u8]) -> Result<(String, u64), Problem> {
    let summary: Summary = serde_json::from_slice(json)?;
    let profile = summary.profiles.first().ok_or("it has no profile")?;
    let count = profile.data.total.metrics.get("Ir").ok_or("it counts no instructions")?;
    let id = summary.id.unwrap_or_default();
    Ok((format!("{}/{id}", summary.function_name), count.values.new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_a_summary() {
        let json = r#"{"function_name":"join","id":"few","profiles":[{"data":{"parts":[],"total":
            {"metrics":{"Ir":{"values":{"new":7,"old":9}}},"regressions":[]}}}]}"#;
        assert_eq!(one(json.as_bytes()).expect("it is one"), ("join/few".to_owned(), 7));
        assert!(one(br#"{"function_name":"join","id":"few","profiles":[]}"#).is_err());
    }
}
