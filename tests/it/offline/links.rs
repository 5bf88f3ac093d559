//! The links of the pages lead somewhere, in a checkout and in rustdoc.

use std::path::Path;

/// The targets of a page's links, without those into the web and into the page itself.
fn targets(page: &str) -> Vec<&str> {
    let links = page.split("](").skip(1);
    let targets = links.filter_map(|rest| rest.split([')', '#', ' ']).next());
    targets
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.contains("::"))
        .collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn links_lead_to_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["", "docs", "crates/checked-pg", "crates/checked-pg-build"];
    let more = ["crates/checked-pg-server", "crates/cargo-checked-pg"];
    let mut links = 0;
    for folder in folders.iter().chain(&more) {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let page = read(&path);
            for target in targets(&page) {
                let there = path.parent().unwrap().join(target).exists();
                assert!(there, "{}: there is no {target}", path.display());
                links += 1;
            }
        }
    }
    assert!(links > 50, "{links}");
}

/// In rustdoc there are no files beside a page.
#[test]
fn pages_in_rustdoc_link_to_no_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = 0;
    for (folder, file) in [
        ("", "src/guide.rs"),
        ("crates/checked-pg", "src/lib.rs"),
        ("crates/checked-pg-build", "src/lib.rs"),
        ("crates/checked-pg-server", "src/lib.rs"),
    ] {
        let source = read(&root.join(folder).join(file));
        for page in source.split("include_str!(\"../").skip(1) {
            let page = page.split('"').next().unwrap();
            if !page.ends_with(".md") {
                continue;
            }
            pages += 1;
            let text = read(&root.join(folder).join(page));
            assert_eq!(targets(&text), [""; 0], "{folder}/{page}");
        }
    }
    assert!(pages >= 5, "{pages}");
}
