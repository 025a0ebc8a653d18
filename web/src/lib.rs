//! The browser application, embedded in the program.
//!
//! The application itself is TypeScript in `app/` (see README.md beside this crate); `npm run build` writes it to `dist/`,
//! and the build script of this crate embeds that folder. When it has not been built, a small page that says how to
//! build it is embedded instead, so the program always compiles without Node.
//!
//! [`asset`] answers a request path. Paths without a file extension are pages of the application (`/trade/BTCUSDT`) and
//! get `index.html`; unknown files and paths that try to leave the root get nothing. The caller sends
//! [`CONTENT_SECURITY_POLICY`] with every answer, `etag` as `ETag`, and a long `Cache-Control` when `immutable` is set.

/// One embedded file with what a server needs to answer for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    pub bytes: &'static [u8],
    pub content_type: &'static str,
    /// A strong validator, quotes included.
    pub etag: &'static str,
    /// The name holds a hash of the content: the answer may be cached for ever.
    pub immutable: bool,
}

/// What the page may load and where it may connect. Scripts and styles come from the same origin only, never inline;
/// WebSockets may go to any host because the public streams can be served from another name than the page.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

struct File {
    path: &'static str,
    asset: Asset,
}

/// Sorted by path.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The file for a request path (without query), or `None` when there is no such file.
pub fn asset(path: &str) -> Option<Asset> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.split('/').any(|part| part == "..") || path.contains(['\\', '\0']) {
        return None;
    }
    if let Some(found) = find(path) {
        return Some(found);
    }
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    if is_page { find("index.html") } else { None }
}

/// Whether the built application is embedded, rather than the page that says how to build it.
pub fn is_built() -> bool {
    FILES.iter().any(|file| file.path.starts_with("assets/"))
}

fn find(path: &str) -> Option<Asset> {
    FILES
        .binary_search_by(|file| file.path.cmp(path))
        .ok()
        .map(|index| FILES[index].asset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_and_unknown_pages_are_the_index() {
        let index = asset("/index.html").expect("index.html is always embedded");
        assert_eq!(index.content_type, "text/html; charset=utf-8");
        assert!(
            !index.immutable,
            "the index names the current bundle, so it must be revalidated"
        );
        for page in ["", "/", "/trade/BTCUSDT", "/trade/", "/any/depth/of/page"] {
            assert_eq!(asset(page), Some(index), "{page}");
        }
    }

    #[test]
    fn unknown_files_and_escapes_are_not_found() {
        for path in [
            "/assets/none.js",
            "/favicon.none",
            "/../Cargo.toml",
            "/assets/../../Cargo.toml",
            "/..",
            "/a\\..\\b",
            "/.env",
        ] {
            assert_eq!(asset(path), None, "{path}");
        }
    }

    #[test]
    fn every_embedded_file_is_found_and_typed() {
        assert!(
            FILES.windows(2).all(|pair| pair[0].path < pair[1].path),
            "binary search needs sorted, distinct paths"
        );
        for file in FILES {
            let found = asset(&format!("/{}", file.path))
                .expect("an embedded file is found by its own path");
            assert_eq!(found, file.asset);
            assert!(!found.bytes.is_empty(), "{} is empty", file.path);
            assert_ne!(
                found.content_type, "application/octet-stream",
                "{} has no known type",
                file.path
            );
            assert!(
                found.etag.len() == 18 && found.etag.starts_with('"') && found.etag.ends_with('"'),
                "{}",
                found.etag
            );
        }
    }

    #[test]
    fn the_index_needs_nothing_that_the_policy_forbids() {
        let index = std::str::from_utf8(asset("/").expect("index").bytes).expect("UTF-8");
        let lower = index.to_lowercase();
        assert!(
            !lower.contains("<style") && !lower.contains(" style="),
            "inline style"
        );
        assert!(
            !lower.contains("javascript:")
                && !lower.contains(" onload=")
                && !lower.contains(" onclick="),
            "inline script"
        );
        for tag in lower.split("<script").skip(1) {
            assert!(
                tag.split('>').next().unwrap_or_default().contains("src="),
                "inline script: <script{tag}"
            );
        }
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe-"));
        assert!(CONTENT_SECURITY_POLICY.contains("connect-src 'self' ws: wss:"));
    }

    #[test]
    fn files_named_by_the_index_exist() {
        let index = std::str::from_utf8(asset("/").expect("index").bytes).expect("UTF-8");
        let mut named = 0;
        for attribute in ["src=\"", "href=\""] {
            for rest in index.split(attribute).skip(1) {
                let path = rest.split('"').next().expect("a closing quote");
                if path.starts_with('/') {
                    assert!(asset(path).is_some(), "index.html names {path}");
                    named += 1;
                }
            }
        }
        assert!(named > 0, "the index loads at least its stylesheet");
    }
}
