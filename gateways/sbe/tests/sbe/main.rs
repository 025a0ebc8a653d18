//! Against what is published: schemas and recorded messages that lie beside the checkout. Without them these tests say so and end.
mod captures;
mod independent;
mod round;
mod schemas;
mod streams;
mod xml;

use std::path::PathBuf;

/// A file or folder beside the checkout, or beside the folder that holds several.
fn shared(path: &str) -> Option<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let places = ["../shared", "../../shared"];
    let found = places.iter().map(|place| root.join(place).join(path));
    let found = found.into_iter().find(|found| found.exists());
    if found.is_none() {
        eprintln!(
            "SKIPPED: ../shared/{path} does not lie beside this checkout, so nothing was compared with it"
        );
    }
    found
}
