import Buffers

/// Pictures in pairs, one pair below the other, as one SVG document.
struct PictureStack: ~Copyable {
  private var body = ByteBuffer()
  private var pairs = 0
  private var width = 0
  private var height = 0

  private static var most: (pairs: Int, bytes: Int) { (8, 1 << 20) }
  private static var top: Int { 48 }
  private static var gap: Int { 16 }

  /// Whether another pair is to be drawn: a stack has up to eight, and begins none beyond 1 MB.
  var hasRoom: Bool { pairs < Self.most.pairs && body.count < Self.most.bytes }

  /// Adds two pictures side by side.
  mutating func append(_ left: consuming OperatorDrawing, _ right: consuming OperatorDrawing) {
    place(left.svg, x: 0)
    place(right.svg, x: left.width + Self.gap)
    width = max(width, left.width + Self.gap + right.width)
    height += max(left.height, right.height) + Self.gap
    pairs += 1
  }

  private mutating func place(_ svg: borrowing ByteBuffer, x: Int) {
    body.append(text: "<g transform=\"translate(\(x) \(Self.top + height))\">\n")
    body.append(contentsOf: svg.elements)
    body.append("</g>\n")
  }

  /// The document. The title is plain text without markup.
  consuming func finish(title: String) -> ByteBuffer {
    let (width, height) = (max(width, 420), Self.top + height)
    let shown = "\(title)\(pairs == 0 ? "" : "; the first \(pairs) drawn")"
    var svg = ByteBuffer(capacity: body.count + 1024)
    svg.beginPicture(width: width, height: height, title: shown)
    svg.append(
      text: """
        <style>.stack{fill:#fff}.caption{font:600 16px system-ui,"DejaVu Sans",sans-serif;fill:#1d2433}
        @media (prefers-color-scheme:dark){.stack{fill:#14171f}.caption{fill:#e8ebf0}}</style>
        <rect class="stack" width="\(width)" height="\(height)" rx="8"/>
        <text class="caption" x="16" y="30">\(shown)</text>

        """)
    svg.append(contentsOf: body.elements)
    svg.append("</svg>\n")
    return svg
  }
}
