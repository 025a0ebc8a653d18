//! As much of XML as the published schemas use.

use std::collections::HashMap;

#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    attributes: HashMap<String, String>,
    pub children: Vec<Element>,
    pub text: String,
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

pub fn read(text: &str) -> Element {
    let mut open = vec![Element::default()];
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        open.last_mut().unwrap().text.push_str(before.trim());
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").unwrap().1;
            continue;
        }
        let end = close(tag);
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if inside.starts_with('?') {
            continue;
        }
        if inside.starts_with('/') {
            let done = open.pop().unwrap();
            open.last_mut().unwrap().children.push(done);
            continue;
        }
        let empty = inside.ends_with('/');
        let element = element(inside.trim_end_matches('/'));
        if empty {
            open.last_mut().unwrap().children.push(element);
        } else {
            open.push(element);
        }
    }
    let mut root = open.pop().unwrap();
    assert!(open.is_empty(), "an element is not closed");
    root.children.remove(0)
}

/// Where a tag ends: `>` may stand within quotes.
fn close(tag: &str) -> usize {
    let mut quoted = false;
    tag.char_indices()
        .find(|(_, c)| {
            quoted ^= *c == '"';
            *c == '>' && !quoted
        })
        .unwrap()
        .0
}

fn element(inside: &str) -> Element {
    let (name, mut rest) = inside
        .split_once(char::is_whitespace)
        .unwrap_or((inside, ""));
    let mut element = Element {
        name: name.trim_start_matches("sbe:").to_owned(),
        ..Element::default()
    };
    while let Some((key, tail)) = rest.split_once("=\"") {
        let (value, tail) = tail.split_once('"').unwrap();
        element
            .attributes
            .insert(key.trim().to_owned(), value.to_owned());
        rest = tail;
    }
    element
}
