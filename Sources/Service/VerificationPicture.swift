import Buffers
import Equivalence

/// An error map as an SVG picture: one cell a pixel of the result, its colour the largest |error|/bound over images and
/// channels. Larger planes are drawn with up to 256 cells a side, each the worst of its pixels.
enum VerificationPicture {
  private static var mostCells: Int { 256 }
  private static var margin: Int { 16 }
  private static var head: Int { 58 }

  /// The classes of ratios: what they begin with, the words, and the fill. Blue is within the bound, orange to red beyond,
  /// in colours that stay apart for readers with any colour vision.
  private static let classes: [(from: Double, words: String, fill: String)] = [
    (0, "0", "#e4e6ea"), (.leastNonzeroMagnitude, "below 0.01", "#d3e5f4"), (0.01, "0.01", "#9cc5e5"),
    (0.1, "0.1", "#4f97cd"), (0.5, "0.5", "#0b5a94"), (1.0.nextUp, "beyond 1", "#f2b134"),
    (10, "10", "#e0701c"), (1000, "1000", "#b3261e"), (.infinity, "not finite", "#1d2433"),
  ]

  /// The picture of `map`.
  static func draw(_ map: ErrorMap, title: String) -> ByteBuffer {
    let (down, across) = (min(map.height, mostCells), min(map.width, mostCells))
    var cells = [Double](repeating: 0, count: down * across)
    for row in 0..<map.height {
      for column in 0..<map.width {
        let cell = row * down / map.height * across + column * across / map.width
        cells[cell] = max(cells[cell], map.pixels[row * map.width + column])
      }
    }
    let size = max(2, min(24, 640 / max(down, across)))
    let (width, height) = (max(across * size, 420), down * size)
    let (fullWidth, fullHeight) = (width + 2 * margin, head + height + 70)
    let title = escaped(title)
    var svg = ByteBuffer(capacity: 1 << 14)
    svg.beginPicture(width: fullWidth, height: fullHeight, title: title)
    svg.append(
      text: """
        <style>
        .page{fill:#fff}text{font:11px system-ui,"DejaVu Sans",sans-serif;fill:#1d2433}.title{font-size:16px;font-weight:600}
        .frame{fill:none;stroke:#7b8494}
        @media (prefers-color-scheme:dark){.page{fill:#14171f}text{fill:#e8ebf0}}
        </style>
        <rect class="page" width="\(fullWidth)" height="\(fullHeight)" rx="8"/>
        <text class="title" x="\(margin)" y="26">\(title)</text>
        <text x="\(margin)" y="44">largest |error| / bound of each pixel, \(map.height) × \(map.width)</text>
        <g transform="translate(\(margin) \(head))">

        """)
    for (index, kind) in classes.enumerated() {
      svg.append(text: "<path fill=\"\(kind.fill)\" d=\"")
      for row in 0..<down {
        var column = 0
        while column < across {
          var end = column
          while end < across && Self.kind(cells[row * across + end]) == index { end += 1 }
          if end > column {
            svg.append(
              text:
                "M\(column * size) \(row * size)h\((end - column) * size)v\(size)h-\((end - column) * size)z")
          }
          column = max(end, column + 1)
        }
      }
      svg.append(text: "\"/>\n")
    }
    svg.append(text: "<rect class=\"frame\" width=\"\(across * size)\" height=\"\(height)\"/>\n")
    for (index, kind) in classes.enumerated() {
      let (x, y) = (index % 5 * 84, height + 16 + index / 5 * 22)
      svg.append(
        text: """
          <rect x="\(x)" y="\(y)" width="14" height="14" rx="3" fill="\(kind.fill)"/>\
          <text x="\(x + 19)" y="\(y + 11)">\(kind.words)</text>

          """)
    }
    svg.append("</g>\n</svg>\n")
    return svg
  }

  private static func kind(_ ratio: Double) -> Int { classes.lastIndex { ratio >= $0.from } ?? 0 }

  /// Text as XML wants it; control characters, which XML has no place for, are left out.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\u{0}"..."\u{1F}", "\u{FFFE}"..."\u{FFFF}": continue
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
