import Buffers

extension ByteBuffer {
  /// Begins an SVG document of this size. The title is text as XML wants it.
  mutating func beginPicture(width: Int, height: Int, title: String) {
    append(
      text: """
        <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
        viewBox="0 0 \(width) \(height)" role="img">
        <title>\(title)</title>

        """)
  }
}
