//! Writes the table of embedded files that `src/lib.rs` includes.
//!
//! The table holds every file of `dist` (made by `npm run build`) when `dist/index.html` exists, and otherwise the two
//! files of `fallback`, so that a clone without Node still builds and the page itself says what to do.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let here =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let dist = here.join("dist");
    // Cargo reruns this script at every build while a watched path is missing, which would relink the program each
    // time. An empty folder (ignored by git) is enough to stop that; a read-only checkout merely rebuilds more often.
    let _ = fs::create_dir_all(&dist);
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=dist");
    println!("cargo:rerun-if-changed=fallback");

    let built = dist.join("index.html").is_file();
    let root = if built { dist } else { here.join("fallback") };
    let mut files = Vec::new();
    collect(&root, &mut files);
    // By the name as text, which is how the table is searched; paths compare part by part.
    files.sort_by_key(|file| file.to_string_lossy().replace('\\', "/"));

    let mut table = String::from("&[\n");
    for file in &files {
        let bytes =
            fs::read(file).unwrap_or_else(|e| panic!("cannot read {}: {e}", file.display()));
        let name = file.strip_prefix(&root).expect("collected below the root");
        let name = name
            .to_str()
            .expect("file names of the bundle are UTF-8")
            .replace('\\', "/");
        // Vite puts a hash of the content into every name below assets/, so these never change.
        let immutable = built && name.starts_with("assets/");
        writeln!(
            table,
            "    File {{ path: {name:?}, asset: Asset {{ bytes: include_bytes!({:?}), content_type: {:?}, etag: \"\\\"{:016x}\\\"\", immutable: {immutable} }} }},",
            file.to_str().expect("the checkout's path is UTF-8"),
            content_type(&name),
            fnv1a64(&bytes),
        )
        .expect("writing to a String");
    }
    table.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("files.rs"), table).expect("cannot write files.rs");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|e| panic!("cannot list {}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("a readable folder entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Names a version of a file for caches; nothing depends on it being hard to collide.
fn fnv1a64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
