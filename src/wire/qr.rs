//! Codes to be scanned, as pictures: short ones for announced goods, dense ones for licences on paper.
use super::field::FieldError;
use qrcodegen::QrCode;
use qrcodegen::QrCodeEcc;
use std::fmt::Write;

/// Light modules around the code, as the standard asks for.
const BORDER: i32 = 4;
/// Pixels of a module in the PNG.
const MODULE_PIXELS: u32 = 8;

fn code(text: &str) -> Result<QrCode, FieldError> {
    // A quarter of it may be dirty or torn.
    QrCode::encode_text(text, QrCodeEcc::Quartile)
        .map_err(|error| FieldError::new("", "too_long", error.to_string()))
}

/// A credential's code: as much of it may be torn as there is room for.
fn paper(text: &str) -> Result<QrCode, FieldError> {
    QrCode::encode_text(text, QrCodeEcc::Medium)
        .or_else(|_| QrCode::encode_text(text, QrCodeEcc::Low))
        .map_err(|error| FieldError::new("", "too_long", error.to_string()))
}

/// The picture, SVG: one path over a white ground.
pub fn svg(text: &str) -> Result<String, FieldError> {
    Ok(drawn(&code(text)?, text))
}

/// The picture of a credential on paper, SVG.
pub fn paper_svg(text: &str) -> Result<String, FieldError> {
    Ok(drawn(&paper(text)?, "Licence credential"))
}

/// The picture of a credential on paper, PNG of one bit a pixel.
pub fn paper_png(text: &str) -> Result<Vec<u8>, FieldError> {
    painted(&paper(text)?)
}

fn drawn(code: &QrCode, title: &str) -> String {
    let side = code.size() + 2 * BORDER;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
            if run > 0 {
                let _ = write!(path, "M{},{}h{run}v1h-{run}z", x + BORDER, y + BORDER);
            }
            x += i32::try_from(run).unwrap_or(0) + 1;
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <title>{title}</title><path fill=\"#fff\" d=\"M0,0h{side}v{side}h-{side}z\"/><path d=\"{path}\"/></svg>"
    )
}

/// The picture, PNG of one bit a pixel.
pub fn png(text: &str) -> Result<Vec<u8>, FieldError> {
    painted(&code(text)?)
}

fn painted(code: &QrCode) -> Result<Vec<u8>, FieldError> {
    let modules = u32::try_from(code.size() + 2 * BORDER).unwrap_or_default();
    let side = modules * MODULE_PIXELS;
    let dark = |x: u32, y: u32| {
        let module = |pixel: u32| i32::try_from(pixel / MODULE_PIXELS).unwrap_or_default() - BORDER;
        code.get_module(module(x), module(y))
    };
    let row = |y: u32| {
        (0..side.div_ceil(8)).map(move |byte| {
            (0..8).fold(0_u8, |bits, bit| bits << 1 | u8::from(!dark(byte * 8 + bit, y)))
        })
    };
    let pixels: Vec<u8> = (0..side).flat_map(row).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .map_err(|error| FieldError::new("", "no_picture", error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "7K3M9QX2TB4C";

    /// The modules of a PNG, dark ones true.
    fn modules(png: &[u8]) -> Vec<Vec<bool>> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let side = usize::try_from(reader.next_frame(&mut pixels).unwrap().width).unwrap();
        let step = usize::try_from(MODULE_PIXELS).unwrap();
        let row = |y: usize| (0..side).step_by(step).map(|x| pixels[y * side + x] == 0).collect();
        (0..side).step_by(step).map(row).collect()
    }

    #[test]
    fn the_picture_holds_the_code_within_its_border() {
        let code = code(CODE).unwrap();
        let modules = modules(&png(CODE).unwrap());
        assert_eq!(modules.len(), usize::try_from(code.size() + 2 * BORDER).unwrap());
        for (y, row) in modules.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                let at = |n: usize| i32::try_from(n).unwrap() - BORDER;
                assert_eq!(*dark, code.get_module(at(x), at(y)), "{x} {y}");
            }
        }
    }

    #[test]
    fn the_drawing_fills_as_many_modules_as_the_code_has() {
        let code = code(CODE).unwrap();
        let dark = (0..code.size())
            .flat_map(|y| (0..code.size()).map(move |x| (x, y)))
            .filter(|(x, y)| code.get_module(*x, *y))
            .count();
        let svg = svg(CODE).unwrap();
        let drawn: usize = svg
            .split("v1h-")
            .skip(1)
            .map(|rest| rest.split('z').next().unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!(drawn, dark);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>") && svg.contains(CODE));
    }
}
