//! The publisher's cover, made anew from what his server sends: bounded, without metadata, always a JPEG.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

/// The longer edge of what is published, in pixels.
const EDGE: u32 = 600;
const QUALITY: u8 = 85;
/// Podcast directories ask for 3,000 by 3,000.
const LARGEST_EDGE: u32 = 8192;
const MOST_PIXELS: u64 = 40_000_000;
/// What a decoder may allocate: 40 million pixels of four bytes, and its tables.
const MOST_MEMORY: u64 = 192 << 20;

/// Why there is no cover.
#[derive(Debug, thiserror::Error)]
pub enum CoverError {
    /// None of the formats that are read.
    #[error("the cover is not a JPEG, PNG, WebP or GIF image")]
    Format,
    /// A decompression bomb, or a poster.
    #[error("the cover has {width} by {height} pixels, more than podseed takes")]
    TooLarge {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Broken, or it would take too much memory.
    #[error("the cover cannot be read")]
    Decode(#[source] ImageError),
    /// The JPEG cannot be written.
    #[error("the cover cannot be made a JPEG")]
    Encode(#[source] ImageError),
}

/// A JPEG of at most 600 by 600 pixels from a JPEG, PNG, WebP or GIF (its first frame). It is upright, transparent
/// parts are white, and nothing of the original's metadata is in it. Takes up to some seconds and 400 MB for the
/// largest originals: not for an async thread.
pub fn reencode(original: &[u8]) -> Result<Vec<u8>, CoverError> {
    let image = decode(original)?;
    let image = match image.width().max(image.height()) > EDGE {
        true => image.thumbnail(EDGE, EDGE),
        false => image,
    };
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    on_white(&image).write_with_encoder(encoder).map_err(CoverError::Encode)?;
    Ok(jpeg)
}

fn decode(original: &[u8]) -> Result<DynamicImage, CoverError> {
    let format = image::guess_format(original).map_err(|_| CoverError::Format)?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif) {
        return Err(CoverError::Format);
    }
    let mut reader = ImageReader::with_format(Cursor::new(original), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(CoverError::Decode)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > LARGEST_EDGE || pixels > MOST_PIXELS || decoder.total_bytes() > MOST_MEMORY {
        return Err(CoverError::TooLarge { width, height });
    }
    // A cover whose orientation cannot be read is taken as it lies.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(CoverError::Decode)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// JPEG has no transparency.
fn on_white(image: &DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.to_rgb8();
    }
    let pixels = image.to_rgba8();
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [red, green, blue, alpha] = pixels.get_pixel(x, y).0;
        let over = |colour: u8| {
            let (colour, alpha) = (u32::from(colour), u32::from(alpha));
            u8::try_from((colour * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
        };
        Rgb([over(red), over(green), over(blue)])
    })
}

#[cfg(test)]
mod tests;
