//! How the crate is laid out: its modules import each other in no circle, and the README names each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
const README: &str = include_str!("../../README.md");

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The code of a file without comments, and without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// By module at the top: which others it uses.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let is_for_tests = |path: &str| {
        path.starts_with("bin/") || ["tests", "model", "simulated"].iter().any(|part| path.contains(part))
    };
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files(Path::new(SOURCES)) {
        let inside = path.strip_prefix(SOURCES).unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let module = inside.split('/').next().unwrap().to_owned();
        if is_for_tests(&inside) || module == "lib" {
            continue;
        }
        let used = imports.entry(module.clone()).or_default();
        for part in code(&path).split("crate::").skip(1) {
            let name = part.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap();
            used.extend(Some(name.to_owned()).filter(|name| !name.is_empty() && *name != module));
        }
    }
    imports
}

#[test]
fn modules_import_each_other_in_no_circle() {
    let mut left = imports();
    assert!(left.len() > 30, "{left:?}");
    // Whoever uses nothing that is left goes, until none does.
    loop {
        let names: BTreeSet<String> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, used| !used.is_disjoint(&names));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "a circle: {left:?}");
}

#[test]
fn the_core_knows_no_surroundings() {
    let imports = imports();
    let outside =
        ["config", "redis", "net", "http", "influx", "store", "service", "logs", "publish", "source"];
    for module in ["core", "windowing", "apps", "window", "event", "keystroke", "mouse", "patterns", "buffer"]
    {
        let found: Vec<&String> =
            imports[module].iter().filter(|name| outside.contains(&name.as_str())).collect();
        assert!(found.is_empty(), "{module} uses {found:?}");
    }
}

#[test]
fn the_readme_names_every_module() {
    for module in imports().keys() {
        assert!(README.contains(&format!("`{module}`")), "README.md does not name `{module}`");
    }
}
