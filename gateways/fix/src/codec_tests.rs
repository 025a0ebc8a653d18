use super::*;
use proptest::prelude::*;

fn piped(text: &str) -> Vec<u8> {
    text.replace('|', "\u{1}").into_bytes()
}

fn header() -> Header<'static> {
    Header {
        sender: "SPOT",
        target: "5JQmUOsm",
        seq: 1,
        sent: read_time("20240612-08:52:21.636837").unwrap(),
    }
}

#[test]
fn golden_bytes() {
    let mut body = Body::new("A");
    body.put(98, 0)
        .put(108, 30)
        .put(25037, "4392a152-3481-4499-921a-6d42c50702e2");
    let mut out = Vec::new();
    put(&mut out, &header(), body.kind, &body.bytes);
    let expected = "8=FIX.4.4|9=113|35=A|34=1|49=SPOT|52=20240612-08:52:21.636837|56=5JQmUOsm|98=0|108=30|25037=4392a152-3481-4499-921a-6d42c50702e2|10=051|";
    assert_eq!(
        String::from_utf8(out.clone()).unwrap(),
        String::from_utf8(piped(expected)).unwrap()
    );
    let (length, message) = take(&out).unwrap();
    let message = message.unwrap();
    assert_eq!(
        (length, message.kind(), message.get(108)),
        (out.len(), "A", Some("30"))
    );
}

#[test]
fn every_part_of_a_message_waits_for_the_rest() {
    let mut out = Vec::new();
    put(&mut out, &header(), "0", b"");
    for end in 0..out.len() {
        assert_eq!(take(&out[..end]), None, "{end}");
    }
    let second = out.len();
    put(&mut out, &header(), "1", b"112=x\x01");
    assert_eq!(take(&out).unwrap().0, second);
    assert_eq!(take(&out[second..]).unwrap().1.unwrap().get(112), Some("x"));
}

#[test]
fn what_is_no_message_is_named() {
    let cases = [
        ("GET / HTTP/1.1", Garbled::BeginString),
        ("8=FIX.4.2|9=5|35=0|10=000|", Garbled::BeginString),
        ("8=FIX.4.4|9=x|35=0|10=000|", Garbled::BodyLength),
        ("8=FIX.4.4|9=6|35=0|10=000|", Garbled::BodyLength),
        ("8=FIX.4.4|9=0|10=000|", Garbled::BodyLength),
        ("8=FIX.4.4|9=99999999|35=0|", Garbled::BodyLength),
        ("8=FIX.4.4|9=5|35=0|10=000|", Garbled::CheckSum),
        ("8=FIX.4.4|9=5|34=0|10=162|", Garbled::MsgType),
        ("8=FIX.4.4|9=5|35:0|10=160|", Garbled::Fields),
    ];
    for (text, expected) in cases {
        let (_, result) = take(&piped(text)).unwrap();
        assert_eq!(result.unwrap_err(), expected, "{text}");
    }
    let mut accented = Vec::new();
    put(&mut accented, &header(), "1", "112=é\u{1}".as_bytes());
    assert_eq!(take(&accented).unwrap().1, Err(Garbled::Characters));
}

#[test]
fn moments_are_read_and_written() {
    for (text, us) in [
        ("19700101-00:00:00", 0),
        ("20000229-23:59:59.999", 951_868_799_999_000),
        ("20240612-08:52:21.636837", 1_718_182_341_636_837),
    ] {
        assert_eq!(read_time(text), Some(Time(us)), "{text}");
        assert!(Utc(Time(us)).to_string().starts_with(text));
    }
    for text in [
        "",
        "20240612",
        "20240612 08:52:21",
        "20230229-00:00:00",
        "20241301-00:00:00",
        "20240612-24:00:00",
        "20240612-08:52:21.1",
        "20240612-08:52:21,123",
        "2024061é-08:52:2",
    ] {
        assert_eq!(read_time(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some((length, _)) = take(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }

    #[test]
    fn almost_messages_never_panic(text in "8=FIX.4.4\u{1}9=[0-9]{1,9}\u{1}[0-9=\u{1}A-Z]{0,60}10=[0-9]{3}\u{1}") {
        if let Some((length, _)) = take(text.as_bytes()) {
            prop_assert!(length <= text.len() && length > 0);
        }
        let _ = read_time(&text);
    }

    #[test]
    fn what_is_written_is_read(fields in proptest::collection::vec((1_u32..30_000, "[ -~]{0,20}"), 0..20), us in 0_i64..4_000_000_000_000_000) {
        let mut body = Body::new("D");
        for (tag, value) in &fields {
            body.put(*tag, value);
        }
        let mut out = Vec::new();
        put(&mut out, &Header { sent: Time(us), ..header() }, body.kind, &body.bytes);
        let (length, message) = take(&out).unwrap();
        prop_assert_eq!(length, out.len());
        let message = message.unwrap();
        let read: Vec<(u32, String)> = message.fields()[5..].iter().map(|(t, v)| (*t, v.to_string())).collect();
        prop_assert_eq!(read, fields);
        prop_assert_eq!(read_time(message.get(52).unwrap()), Some(Time(us)));
    }
}
