//! Messages recorded at the exchange that we are compatible with: read by our decoder, written again to the same bytes.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::{Value, json};

use crate::shared;

/// The `.sbe` files of the archive.
fn recorded() -> Option<BTreeMap<String, Vec<u8>>> {
    let path = shared("data/api-shapes/api-shapes.tar.zst")?;
    let mut tar = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(std::fs::File::open(path).unwrap())
        .unwrap()
        .read_to_end(&mut tar)
        .unwrap();
    let mut found = BTreeMap::new();
    let mut rest = tar.as_slice();
    while let Some((head, tail)) = rest.split_at_checked(512) {
        let text = |range: std::ops::Range<usize>| {
            let text = String::from_utf8_lossy(&head[range]);
            text.trim_matches(['\0', ' ']).to_owned()
        };
        let length = usize::from_str_radix(&text(124..136), 8).unwrap_or(0);
        let name = text(0..100);
        let (body, after) = tail.split_at(length.next_multiple_of(512).min(tail.len()));
        rest = after;
        // a name that is too long for its field stands in an entry before; the content tells as well
        let content = &body[..length.min(body.len())];
        let is_sbe = content.get(4..8).is_some_and(|ids| ids == [3, 0, 2, 0]);
        if is_sbe && length < 4096 {
            found.insert(format!("{name}#{}", found.len()), content.to_vec());
        }
    }
    Some(found)
}

/// Writes again what was read; what stands inside is chosen by its shape alone.
fn again(template: u16, version: u16, json: &Value) -> Vec<u8> {
    let schema = &sbe::SPOT;
    if template != sbe::answer::WRAPPER {
        return sbe::encode::encode(schema, version, template, json)
            .unwrap()
            .bytes;
    }
    let inner = &json["result"];
    let call = if inner["json"].get("fills").is_some() {
        "order.place"
    } else {
        "order.cancel"
    };
    let result = sbe::answer::answer(schema, version, call, &inner["json"]).unwrap();
    let mut head = json.clone();
    head.as_object_mut().unwrap().remove("result");
    sbe::encode::wrap(schema, version, &head, &result.bytes).unwrap()
}

#[test]
fn recorded_messages_are_read_and_written_alike() {
    let Some(recorded) = recorded() else { return };
    assert_eq!(recorded.len(), 6, "{:?}", recorded.keys());
    let mut templates = Vec::new();
    let mut stray = 0;
    for (name, mut bytes) in recorded {
        // One of them was made anonymous with a text that is a byte longer than its length says; the byte stands behind the message.
        if bytes.ends_with(b"TestBinanceOrderId00000") {
            bytes.pop();
            stray += 1;
        }
        let read = sbe::decode::decode(&sbe::SPOT, &bytes)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.version, 2, "{name}");
        templates.push(read.template);
        assert_eq!(
            again(read.template, 2, &read.json),
            bytes,
            "{name}: {}",
            read.json
        );
        if read.template == 607 {
            assert_eq!(
                read.json["B"][0],
                json!({"f": "1.00000000", "l": "0.00000000", "a": "BTC"})
            );
        }
    }
    assert_eq!(stray, 1);
    templates.sort_unstable();
    assert_eq!(templates, [50, 50, 603, 603, 607, 607]);
}
