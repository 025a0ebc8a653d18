use proptest::prelude::*;

use super::*;

fn header(seq: u64) -> Header<'static> {
    Header {
        sender: "SPOT",
        target: "ME",
        seq,
        sent: Time(1_718_097_006_918_232),
    }
}

fn sent(kind: &'static str, fields: &str, small: bool) -> Vec<u8> {
    let mut body = Body::new(kind);
    for field in fields.split('|') {
        let (tag, value) = field.split_once('=').unwrap();
        body.put(tag.parse().unwrap(), value);
    }
    let mut out = Vec::new();
    put(&mut out, &header(7), &body.into(), small);
    out
}

/// What is written, read again by the same table, in the order of the table.
fn again(bytes: &[u8]) -> String {
    let (length, message) = take(bytes, None).unwrap();
    assert_eq!(length, bytes.len());
    let message = message.unwrap();
    let fields = message.fields().iter();
    let fields = fields.filter(|(tag, _)| !matches!(*tag, MSG_SEQ_NUM | SENDING_TIME));
    let fields: Vec<String> = fields.map(|(tag, text)| format!("{tag}={text}")).collect();
    fields.join("|")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Packed by another program.
#[test]
fn messages_have_their_bytes() {
    for (kind, fields, small, golden) in [
        (
            "0",
            "112=ping",
            false,
            "1f00000050eb0000214e0100010007000000587ac9a1991a06000470696e67",
        ),
        (
            "1",
            "112=x",
            false,
            "1c00000050eb0000224e0100010007000000587ac9a1991a06000178",
        ),
        (
            "A",
            "98=0|108=30|25037=u|25052=N",
            false,
            "2200000050eb0600294e0100010007000000587ac9a1991a0600001e000000000175",
        ),
        (
            "8",
            "37=5|60=20240611-09:10:06.918232|150=0|39=0|11=a|55=BTCUSDT",
            true,
            "4500000050eb1f00c6000100010007000000587ac9a1991a060005000000000000000000000000000080587ac9a1991a0600\
             3030ff00000080016107425443555344540000",
        ),
        (
            "X",
            "262=t|268=1|279=0|269=2|270=10.50000000|271=2.00000000|55=AB|1003=3|60=20240611-09:10:06.918232|2446=1",
            false,
            "4600000050eb0a00cd000100010007000000587ac9a1991a0600587ac9a1991a0600f8f81900010000000300000000000000\
             80ba953e0000000000c2eb0b0000000031024142",
        ),
    ] {
        assert_eq!(hex(&sent(kind, fields, small)), golden, "{kind}");
    }
}

#[test]
fn groups_and_decimals_are_read_as_they_were_written() {
    let report = "8|17=9|37=5|38=1.50000000|40=2|54=1|44=99.00000000|59=1|60=20240611-09:10:06.918232|150=F|14=0.50000000|1057=Y|1003=3|31=99.00000000|32=0.50000000|39=1|636=Y|25023=20240611-09:10:06.918232|136=1|138=BTC|137=0.0005|139=4|11=a|55=BTCUSDT";
    let fields = report.split_once('|').unwrap().1;
    assert_eq!(again(&sent("8", fields, false)), format!("35={report}"));
    let list = "73=2|11=a|55=AB|37=1|25010=1|25011=3|25012=0|25013=1|11=b|55=AB|37=2|429=4|431=3|1385=2|25014=l|60=20240611-09:10:06.918232|66=4";
    let read = again(&sent("N", list, false));
    assert_eq!(
        read,
        "35=N|66=4|1385=2|429=4|431=3|60=20240611-09:10:06.918232|73=2|11=a|37=1|25010=1|25011=3|25012=0|25013=1|55=AB|11=b|37=2|55=AB|25014=l"
    );
    let book = "262=b|268=3|279=0|269=0|270=10.00|271=1.000|55=AB|25043=4|25044=6|279=2|269=0|270=9.00|279=1|269=1|270=11.00|271=2.000";
    assert_eq!(
        again(&sent("X", book, false)),
        "35=X|25043=4|25044=6|25047=2|270=10.00|271=1.000|270=9.00|25048=1|270=11.00|271=2.000|55=AB"
    );
    let empty = again(&sent("W", "262=b|55=AB|25044=0|268=0", false));
    assert_eq!(empty, "35=W|25044=0|55=AB");
}

#[test]
fn a_decimal_that_64_bits_do_not_hold_loses_its_last_places() {
    assert_eq!(mantissa("92233720368547758.07", -2), Some(i64::MAX));
    assert_eq!(mantissa("92233720368547758.08", -2), None);
    let fields = "14=123456789012.00000001|32=1.00000000|40=2|54=1|150=0|39=0|55=AB";
    let read = again(&sent("8", fields, false));
    assert!(read.contains("14=123456789012.0000000|"), "{read}");
    assert_eq!(decimal(-5, -3).as_deref(), Some("-0.005"));
    assert_eq!(decimal(5, 2).as_deref(), Some("500"));
    assert_eq!(decimal(5, 100), None);
}

#[test]
fn what_cannot_be_read_is_said() {
    let good = sent("1", "112=x", false);
    assert_eq!(take(&good[..good.len() - 1], None), None);
    assert_eq!(take(&good[..5], None), None);
    let with = |place: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[place] = byte;
        take(&bytes, None).unwrap()
    };
    let all = good.len();
    assert_eq!(with(4, 0), (all, Err(Garbled::EncodingType)));
    assert_eq!(with(0, 3), (all, Err(Garbled::FrameLength)));
    assert_eq!(with(8, 9), (all, Err(Garbled::SbeHead)));
    assert_eq!(with(10, 2), (all, Err(Garbled::SbeSchema)));
    assert_eq!(with(12, 2), (all, Err(Garbled::SbeSchema)));
    assert_eq!(with(all - 2, 9), (all, Err(Garbled::SbeFields)));
    assert_eq!(with(all - 1, 7), (all, Err(Garbled::SbeFields)));
}

proptest! {
    #[test]
    fn foreign_bytes_are_a_message_or_a_refusal(mut bytes in proptest::collection::vec(any::<u8>(), 26..200), template in 0..40_usize) {
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..6].copy_from_slice(&ENCODING.to_le_bytes());
        bytes[10..14].copy_from_slice(&[1, 0, 1, 0]);
        let template = &TABLE[template % TABLE.len()];
        bytes[6..8].copy_from_slice(&u16::try_from(template.layout.block()).unwrap().to_le_bytes());
        bytes[8..10].copy_from_slice(&template.id.to_le_bytes());
        let (taken, _) = take(&bytes, Some(("ME", Some("5000")))).unwrap();
        prop_assert_eq!(taken, bytes.len());
    }
}

/// The published schema, when it lies beside the checkout.
fn published() -> Option<String> {
    let places = ["../../../shared", "../../../../shared"];
    let found = places.iter().find_map(|place| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root
            .join(place)
            .join("contract/schemas/spot-fixsbe-1_1.xml");
        std::fs::read_to_string(path).ok()
    });
    if found.is_none() {
        eprintln!("SKIPPED: the published schema does not lie beside this checkout");
    }
    found
}

fn attribute<'a>(line: &'a str, name: &str) -> &'a str {
    let start = line
        .find(&format!(" {name}=\""))
        .map(|at| at + name.len() + 3);
    let rest = start.map_or("", |start| &line[start..]);
    rest.split('"').next().unwrap_or_default()
}

/// Every message of the schema as a line of tags and widths, in its order, and the same of our table.
#[test]
fn the_table_is_the_published_one() {
    let Some(xml) = published() else { return };
    let width = |kind: &str| match kind {
        "boolEnum" | "exponent8" | "uint8" => 1,
        "uint16" => 2,
        "uint32" | "int32" | "durationUs" => 4,
        "int64" | "uint64" | "mantissa64" | "utcTimestampUs" => 8,
        kind if kind.ends_with("Id") => 8,
        _ => 1, // the enums
    };
    let mut theirs = Vec::new();
    for line in xml.lines().map(str::trim) {
        let (id, kind) = (attribute(line, "id"), attribute(line, "type"));
        if line.starts_with("<sbe:message ") {
            theirs.push(format!("{} {}:", id, attribute(line, "semanticType")));
        }
        let Some(last) = theirs.last_mut() else {
            continue;
        };
        let null = if attribute(line, "presence") == "optional" {
            "?"
        } else {
            ""
        };
        if line.starts_with("<field ") {
            *last += &format!(" {id}/{}{null}", width(kind));
        } else if line.starts_with("<group ") {
            let (block, count) = match attribute(line, "dimensionType") {
                "groupSize32Encoding" => (2, 4),
                "groupSize16Encoding" => (2, 2),
                "groupSize8Encoding" => (2, 1),
                "smallGroupSize16Encoding" => (1, 2),
                "smallGroupSize8Encoding" => (1, 1),
                other => panic!("{other}"),
            };
            *last += &format!(" {id}[{block}/{count}");
        } else if line.starts_with("</group>") {
            *last += " ]";
        } else if line.starts_with("<data ") {
            *last += &format!(" {id}s{}", if kind.ends_with('8') { 1 } else { 2 });
        }
    }
    fn describe(layout: &Layout, out: &mut String) {
        for field in &layout.fields {
            let null = if field.optional { "?" } else { "" };
            *out += &format!(" {}/{}{null}", field.tag, field.kind.bytes());
        }
        for group in &layout.groups {
            *out += &format!(" {}[{}/{}", group.tag, group.widths.0, group.widths.1);
            describe(&group.body, out);
            *out += " ]";
        }
        for (tag, width) in &layout.texts {
            *out += &format!(" {tag}s{width}");
        }
    }
    let ours = TABLE.iter().map(|template| {
        let mut line = format!("{} {}:", template.id, template.kind);
        describe(&template.layout, &mut line);
        line
    });
    let ours: Vec<String> = ours.collect();
    assert!(theirs.len() > 20);
    assert_eq!(ours, theirs);
}
