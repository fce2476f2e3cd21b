//! What is read, what is refused, what is shown.

use super::*;

#[test]
fn sizes_are_read_with_any_spacing_case_and_fraction() {
    for (text, bytes) in [
        ("10 MiB", 10 * MIB),
        ("10MiB", 10 * MIB),
        (" 1.5 GiB ", 3 * GIB / 2),
        ("1 gb", 1_000_000_000),
        ("64 kib", 65_536),
        ("0 B", 0),
        ("0.0000001 MB", 0),
    ] {
        assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
    }
    assert_eq!("2 MiB/s".parse(), Ok(ByteRate(2 * MIB)));
    assert_eq!("unlimited".parse(), Ok(RateLimit::Unlimited));
}

#[test]
fn what_is_no_size_is_refused_with_the_units_that_are() {
    let message = |text: &str| text.parse::<ByteSize>().unwrap_err().to_string();
    let units = "B, KiB, MiB, GiB, TiB (or KB, MB, GB, TB)";
    assert_eq!(message("20"), format!("`20` has no unit: write a number and one of {units}"));
    assert_eq!(message("20 M"), format!("`20 M` is not a size: write a number and one of {units}"));
    assert_eq!(
        message("20 Mbit"),
        format!("`20 Mbit` may mean bits or bytes: write bytes, with one of {units}")
    );
    for text in ["18446744073709551616 B", "99999999999999999999 TiB", &format!("{}B", "9".repeat(60))] {
        assert_eq!(message(text), format!("`{text}` is too large"));
    }
    for text in ["", "MiB", "-1 MiB", "1..5 MiB", "1,5 MiB", ". MiB", "1. B", "1e3 B", "١ MiB", "2 MiB/s"] {
        assert!(text.parse::<ByteSize>().is_err(), "{text}");
    }
}

#[test]
fn a_rate_needs_its_second_and_a_unit() {
    for text in ["2", "2 MiB", "2/s", "2 Mb/s", "2 MiB/min", "fast"] {
        assert!(text.parse::<ByteRate>().is_err(), "{text}");
    }
}

#[test]
fn times_are_read_with_their_units_and_no_others() {
    for (text, seconds) in [
        ("30 s", 30),
        ("15 min", 900),
        ("2h", 7200),
        ("1 h 30 min", 5400),
        ("90 days", 7_776_000),
        ("1 week", 604_800),
    ] {
        assert_eq!(text.parse(), Ok(Span(Duration::from_secs(seconds))), "{text}");
    }
    for text in ["", "30", "-5 min", "5 min ago", "1 month", "1 year", "soon", "999999999999999 weeks"] {
        assert!(text.parse::<Span>().is_err(), "{text}");
    }
    assert_eq!(
        "30".parse::<Span>().unwrap_err().to_string(),
        "`30` has no unit: write a number and one of s, min, h, days, weeks"
    );
}

#[test]
fn people_see_binary_units_with_one_decimal_place() {
    for (bytes, text) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (40_000_000, "38.1 MiB"),
        (MIB - 1, "1 MiB"),
        (1536 * MIB, "1.5 GiB"),
        (u64::MAX, "16777216 TiB"),
    ] {
        assert_eq!(ByteSize(bytes).to_string(), text);
    }
    assert_eq!(ByteRate(2 * MIB).to_string(), "2 MiB/s");
}

#[test]
fn people_see_the_two_largest_units_of_time() {
    for (seconds, text) in
        [(0, "0 s"), (59, "59 s"), (5400, "1 h 30 min"), (86_400, "1 day"), (180_061, "2 days 2 h")]
    {
        assert_eq!(Span(Duration::from_secs(seconds)).to_string(), text);
    }
    assert_eq!(Span(Duration::from_millis(250)).to_string(), "250 ms");
}

#[test]
fn what_is_written_is_read_back_the_same() {
    for bytes in [0, 1, 1000, 1024, 1_000_000_007, 4 * GIB, u64::MAX] {
        assert_eq!(exact_bytes(bytes).parse(), Ok(ByteSize(bytes)));
    }
    for seconds in [0, 1, 60, 5400, 7_776_000] {
        assert_eq!(exact_time(Duration::from_secs(seconds)).parse(), Ok(Span(Duration::from_secs(seconds))));
    }
}

#[test]
fn a_bare_number_in_the_file_gets_the_message_about_its_unit() {
    let error = serde_yaml::from_str::<ByteSize>("20").unwrap_err();
    assert!(error.to_string().contains("`20` has no unit"), "{error}");
}
