//! Covers as publishers' servers give them.

use std::error::Error as _;

use image::{GenericImageView as _, Rgba, RgbaImage};

use super::*;

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Left half red, right half blue.
fn two_halves(width: u32, height: u32) -> DynamicImage {
    let colour = |x, _| if x < width / 2 { Rgb([220, 20, 20]) } else { Rgb([20, 20, 220]) };
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, colour))
}

fn read(cover: &[u8]) -> DynamicImage {
    assert_eq!(image::guess_format(cover).unwrap(), ImageFormat::Jpeg);
    image::load_from_memory(cover).unwrap()
}

fn is_red(image: &DynamicImage, x: u32, y: u32) -> bool {
    let [red, _, blue, _] = image.get_pixel(x, y).0;
    red > 150 && blue < 100
}

#[test]
fn covers_of_every_format_become_jpegs_within_600_pixels() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let cover = read(&reencode(&encoded(&two_halves(1400, 700), format)).unwrap());
        assert_eq!(cover.dimensions(), (600, 300), "{format:?}");
        assert!(is_red(&cover, 10, 10) && !is_red(&cover, 590, 10), "{format:?}");
    }
    let small = read(&reencode(&encoded(&two_halves(40, 20), ImageFormat::Png)).unwrap());
    assert_eq!(small.dimensions(), (40, 20), "small covers are not blown up");
}

#[test]
fn transparent_parts_are_white() {
    let image = RgbaImage::from_fn(64, 64, |x, _| Rgba([200, 0, 0, if x < 32 { 255 } else { 0 }]));
    let cover = read(&reencode(&encoded(&DynamicImage::ImageRgba8(image), ImageFormat::Png)).unwrap());
    assert!(is_red(&cover, 5, 5));
    assert!(cover.get_pixel(60, 5).0.iter().all(|value| *value > 240));
}

/// Puts an APP1 segment with this orientation, and a remark, behind the start of a JPEG (Exif 2.3, 4.5.4).
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
    exif.extend_from_slice(b"SECRET PLACE");
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn a_cover_is_turned_as_its_camera_says_and_keeps_nothing_else_of_its_metadata() {
    let lying = with_exif(&encoded(&two_halves(200, 100), ImageFormat::Jpeg), 6);
    let cover = reencode(&lying).unwrap();
    assert!(!cover.windows(4).any(|bytes| bytes == b"Exif" || bytes == b"SECR"));
    let cover = read(&cover);
    assert_eq!(cover.dimensions(), (100, 200));
    // Turned by 90 degrees clockwise, the left half is on top.
    assert!(is_red(&cover, 50, 20) && !is_red(&cover, 50, 180));
}

#[test]
fn what_is_no_image_of_the_four_formats_is_refused() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".as_slice();
    for bytes in [svg, b"", b"\xFF", b"<!DOCTYPE html>", b"BM\x1e\0\0\0", b"II*\0\x08\0\0\0", b"\0\0\x01\0"] {
        assert!(matches!(reencode(bytes), Err(CoverError::Format)), "{bytes:?}");
    }
}

#[test]
fn a_broken_image_is_an_error_wherever_it_breaks() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let whole = encoded(&two_halves(64, 64), format);
        for end in 0..whole.len() {
            // Some decoders give what there is of the last rows; none may panic.
            let _ = reencode(&whole[..end]);
        }
        let error = reencode(&whole[..whole.len() / 4]).unwrap_err();
        assert!(matches!(error, CoverError::Decode(_) | CoverError::Format), "{format:?}: {error}");
        assert!(error.source().is_some() || matches!(error, CoverError::Format));
    }
}

#[test]
fn a_bomb_is_refused_by_its_dimensions_before_it_is_decoded() {
    let mut png = encoded(&two_halves(8, 8), ImageFormat::Png);
    // Width and height of IHDR, and its checksum.
    png[16..24].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
    let checksum = crc32(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&checksum);
    assert!(matches!(reencode(&png), Err(CoverError::TooLarge { width: 65_535, height: 65_535 })));
}

/// As PNG has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
