//! First bytes of real formats, and of what servers send instead.

use super::*;

fn what(bytes: &[u8]) -> &'static str {
    match sniff(bytes) {
        Sniffed::Media { extension, .. } => extension,
        Sniffed::NotMedia { what } => what,
    }
}

/// `count` frames of `length` bytes, each with this header.
fn frames(header: [u8; 4], length: usize, count: usize) -> Vec<u8> {
    let mut frame = header.to_vec();
    frame.resize(length, 0x55);
    frame.repeat(count)
}

/// An ADTS frame of 200 bytes at 44.1 kHz.
const ADTS: [u8; 4] = [0xFF, 0xF1, 0x50, 0x80];

fn adts_frames(count: usize) -> Vec<u8> {
    let mut frame = ADTS.to_vec();
    frame.extend([25, 0x1F, 0xFC]);
    frame.resize(200, 0x55);
    frame.repeat(count)
}

fn ftyp(major: &[u8; 4], compatible: &[&[u8; 4]], rest: &[u8]) -> Vec<u8> {
    let size = u32::try_from(16 + 4 * compatible.len()).unwrap();
    let mut bytes = size.to_be_bytes().to_vec();
    bytes.extend(b"ftyp");
    bytes.extend(major);
    bytes.extend([0, 0, 2, 0]);
    compatible.iter().for_each(|brand| bytes.extend(*brand));
    bytes.extend(rest);
    bytes
}

#[test]
fn mpeg_audio_is_known_by_frames_that_follow_each_other() {
    for (header, length) in [
        ([0xFF, 0xFB, 0x90, 0x64], 417),  // MPEG-1 layer III, 128 kbit/s, 44.1 kHz
        ([0xFF, 0xFA, 0x90, 0x64], 417),  // the same, protected
        ([0xFF, 0xFB, 0xE2, 0x64], 1045), // 320 kbit/s, padded
        ([0xFF, 0xF3, 0x84, 0x64], 192),  // MPEG-2 layer III, 64 kbit/s, 24 kHz
        ([0xFF, 0xE3, 0x48, 0x64], 288),  // MPEG-2.5 layer III, 32 kbit/s, 8 kHz
        ([0xFF, 0xFD, 0xA4, 0x64], 576),  // MPEG-1 layer II, 192 kbit/s, 48 kHz
        ([0xFF, 0xFF, 0x94, 0x64], 288),  // MPEG-1 layer I, 288 kbit/s, 48 kHz
    ] {
        let bytes = frames(header, length, 3);
        assert_eq!(what(&bytes), "mp3", "{header:02x?}");
        assert_eq!(what(&bytes[..length + 3]), "nothing known", "{header:02x?}, only one frame");
    }
}

#[test]
fn mpeg_audio_is_found_behind_padding_and_junk() {
    let music = frames([0xFF, 0xFB, 0x90, 0x64], 417, 20);
    for before in [vec![0; 3000], b"\x00\xFF\xFB\x10junk\xFE".repeat(100), vec![0xFF; 700]] {
        let bytes = [before, music.clone()].concat();
        assert_eq!(what(&bytes), "mp3");
    }
    let too_late = [vec![0; 5000], music].concat();
    assert_eq!(what(&too_late), "nothing known");
}

#[test]
fn an_id3_tag_is_mp3_unless_something_else_follows_it() {
    let tag = b"ID3\x04\0\0\0\0\0\x0a0123456789".as_slice();
    assert_eq!(what(&[tag, &[0; 100][..]].concat()), "mp3");
    assert_eq!(what(&[tag, &adts_frames(3)[..]].concat()), "aac");
    assert_eq!(what(&[tag, b"fLaC\0\0\0\x22".as_slice()].concat()), "flac");
    assert_eq!(what(b"ID3\x03\0\0\x7f\x7f\x7f\x7f and a cover picture"), "mp3");
}

#[test]
fn aac_in_adts_frames_is_no_mp3() {
    assert_eq!(sniff(&adts_frames(3)), media(Audio, "audio/aac", "aac"));
    assert_eq!(what(&ADTS), "nothing known");
}

#[test]
fn containers_are_told_apart_by_what_they_hold() {
    let ogg = |packet: &[u8]| [b"OggS\0\x02".as_slice(), &[0; 20], b"\x01\x13", packet].concat();
    let ebml = |doc_type: &[u8], codec: &[u8]| [b"\x1a\x45\xdf\xa3\x01\x42\x82", doc_type, codec].concat();
    let asf = [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9].as_slice();
    let asf_video = [asf, &[0xC0, 0xEF, 0x19, 0xBC, 0x4D, 0x5B, 0xCF, 0x11]].concat();
    for (bytes, kind, extension) in [
        (ftyp(b"M4A ", &[b"isom"], b"vide"), Audio, "m4a"),
        (ftyp(b"M4B ", &[], b""), Audio, "m4b"),
        (ftyp(b"M4V ", &[b"M4A ", b"mp42"], b""), Video, "m4v"),
        (ftyp(b"isom", &[b"iso2", b"mp41"], b""), Video, "mp4"),
        (ftyp(b"mp42", &[b"M4A ", b"isom"], b""), Audio, "m4a"),
        (ftyp(b"dash", &[b"iso6"], b"moov hdlr soun"), Audio, "m4a"),
        (ftyp(b"isom", &[b"iso2"], b"moov hdlr soun hdlr vide"), Video, "mp4"),
        (ftyp(b"qt  ", &[], b""), Video, "mov"),
        (ftyp(b"avif", &[b"mif1"], b""), Image, "avif"),
        (ogg(b"\x01vorbis"), Audio, "ogg"),
        (ogg(b"OpusHead"), Audio, "opus"),
        (ogg(b"\x80theora"), Video, "ogv"),
        (ebml(b"\x84webm", b"V_VP9 A_OPUS"), Video, "webm"),
        (ebml(b"\x84webm", b"\x86\x86A_OPUS"), Audio, "weba"),
        (ebml(b"\x88matroska", b"V_MPEG4"), Video, "mkv"),
        (asf.to_vec(), Audio, "wma"),
        (asf_video, Video, "wmv"),
    ] {
        let Sniffed::Media { kind: found, extension: ext, .. } = sniff(&bytes) else {
            panic!("{:?}", String::from_utf8_lossy(&bytes))
        };
        assert_eq!((found, ext), (kind, extension), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn other_media_are_known_by_their_signatures() {
    for (bytes, extension) in [
        (b"RIFF\x24\0\0\0WAVEfmt ".as_slice(), "wav"),
        (b"fLaC\0\0\0\x22", "flac"),
        (b"FORM\0\0\0\x20AIFFCOMM", "aiff"),
        (b"#!AMR\n\x3c\x91\x17\x16\xbe\x66", "amr"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "jpg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "png"),
        (b"%PDF-1.7\n%\xc3\xa4", "pdf"),
        (b"\0\0\x01\xba\x44\0\x04\0", "mpg"),
    ] {
        assert_eq!(what(bytes), extension);
    }
}

#[test]
fn what_servers_send_instead_has_a_plain_name() {
    for (bytes, expected) in [
        (b"".as_slice(), "an empty file"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\xEF\xBB\xBF \r\n<!-- a comment --> <HTML lang=en>", "an HTML page"),
        (b"<title>404</title>", "an HTML page"),
        (b"<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC", "an HTML page"),
        (b"\xff\xfe<\0h\0t\0m\0l\0>\0", "an HTML page"),
        (b"<html><p>caf\xe9", "an HTML page"),
        (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "XML"),
        (b"<rss version=\"2.0\">", "XML"),
        (b"<header-list>", "XML"),
        (b"{\"error\": \"gone\"}", "JSON"),
        (b"[ {\"error\": 1}]", "JSON"),
        (b"d8:announce9:http://x/4:infod6:lengthi1ee", "a .torrent file"),
        (b"PK\x03\x04\x14\0\0\0\x08\0", "an archive"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "an archive"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0>\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "a program"),
        (b"#EXTM3U\nhttps://example.org/live", "a playlist"),
        (b"Not found\n", "text"),
        ("Größe: unbekannt".as_bytes(), "text"),
        ("Datei fehlt: ü".as_bytes().split_last().unwrap().1, "text"),
        (&[0; 64], "nothing but zero bytes"),
        (b"\x01\x02\x03\x04\x99\x98", "nothing known"),
    ] {
        assert_eq!(what(bytes), expected, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn every_verdict_has_an_extension_that_is_known_to_be_of_its_kind() {
    let verdicts = [
        sniff(&frames([0xFF, 0xFB, 0x90, 0x64], 417, 2)),
        sniff(&ftyp(b"M4B ", &[], b"")),
        sniff(b"%PDF-1.7\n"),
        sniff(b"fLaC\0\0\0\x22"),
    ];
    for verdict in verdicts {
        let Sniffed::Media { kind, extension, .. } = verdict else { panic!("{verdict:?}") };
        assert_eq!(super::super::kind_of_extension(extension), Some(kind));
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_beyond_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
        let _ = sniff(&bytes);
    }

    #[test]
    fn no_bytes_after_a_signature_are_beyond_it(
        start in proptest::sample::select(vec!["ID3", "\0\0\0\u{1}ftyp", "OggS", "d4:info", "<?xml", "{"]),
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
    ) {
        let _ = sniff(&[start.as_bytes(), &bytes].concat());
    }
}
