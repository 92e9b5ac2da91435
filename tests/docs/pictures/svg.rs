//! A small writer for SVG.

use std::fmt::Write;

/// Fonts with characters of one width.
pub(crate) const MONO: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/// Classes of the diagrams. The background is part of the picture, and follows the reader's colour scheme.
const STYLE: &str = "\
text { font: 14px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 16px; }
.small { font-size: 12px; fill: #59636e; }
.middle { text-anchor: middle; }
.page { fill: #ffffff; stroke: #d1d9e0; }
.box { fill: #f6f8fa; stroke: #818b98; }
.value { fill: #ddf4ff; stroke: #0969da; }
.missing { fill: #ffebe9; stroke: #cf222e; stroke-dasharray: 4 3; }
.line { stroke: #59636e; stroke-width: 1.5; fill: none; }
.head { fill: #59636e; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.small { fill: #9198a1; }
.page { fill: #0d1117; stroke: #3d444d; }
.box { fill: #151b23; stroke: #656c76; }
.value { fill: #0c2d6b; stroke: #4493f8; }
.missing { fill: #3c1618; stroke: #f85149; }
.line { stroke: #9198a1; }
.head { fill: #9198a1; }
}
";

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A diagram: lengths are in pixels.
pub(crate) struct Svg(String);

impl Svg {
    /// An empty page. `title` is for readers that cannot see the picture.
    pub(crate) fn new(width: u32, height: u32, title: &str) -> Self {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n<style>\n{}</style>\n",
            escaped(title),
            escaped(STYLE)
        );
        svg += "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
                markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"head\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n";
        let mut svg = Svg(svg);
        svg.rounded(0, 0, width, height, "page");
        svg
    }

    pub(crate) fn rounded(&mut self, x: u32, y: u32, width: u32, height: u32, class: &str) {
        let (left, top) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
        writeln!(
            self.0,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"6\"/>",
            width - 1,
            height - 1
        )
        .unwrap();
    }

    /// Text that begins at `x`, or has its middle there if `class` has `middle`.
    pub(crate) fn text(&mut self, x: u32, y: u32, class: &str, text: &str) {
        writeln!(self.0, "<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{}</text>", escaped(text)).unwrap();
    }

    /// A box with lines of text in its middle, the first of them larger.
    pub(crate) fn labelled(&mut self, [x, y, width, height]: [u32; 4], class: &str, lines: &[&str]) {
        self.rounded(x, y, width, height, class);
        let count = u32::try_from(lines.len()).unwrap();
        for (index, line) in (0..).zip(lines) {
            let class = if index == 0 { "middle" } else { "middle small" };
            self.text(x + width / 2, y + height / 2 + 5 + 18 * index - 9 * (count - 1), class, line);
        }
    }

    pub(crate) fn line(&mut self, (x1, y1): (u32, u32), (x2, y2): (u32, u32)) {
        writeln!(self.0, "<path class=\"line\" d=\"M{x1} {y1} {x2} {y2}\"/>").unwrap();
    }

    pub(crate) fn arrow(&mut self, from: (u32, u32), to: (u32, u32)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        writeln!(self.0, "<path class=\"line\" d=\"M{x1} {y1} {x2} {y2}\" marker-end=\"url(#head)\"/>").unwrap();
    }

    pub(crate) fn finish(self) -> String {
        self.0 + "</svg>\n"
    }
}
