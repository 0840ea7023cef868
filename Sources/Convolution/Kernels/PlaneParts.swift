extension ConvolutionGeometry {
  /// Calls `body` with each image of the batch, each of its `planes`, and rows of it: with all `rows` of a plane at once, but for
  /// few large planes, which threads that are free share. All planes together take so many multiply-adds.
  @inline(__always)
  func forEachPlane(
    of planes: Int, rows: Int, multiplyAdds: Int,
    _ body: (_ n: Int, _ plane: Int, _ rows: Range<Int>) -> Void
  ) {
    let count = channels.batch &* planes
    if count < 4 {
      for number in 0..<count {
        Parallel.forEachPiece(of: rows, least: 16, multiplyAdds: multiplyAdds / count) { rows in
          body(number / planes, number % planes, rows)
        }
      }
    } else {
      Parallel.forEachPiece(of: count, least: 1, multiplyAdds: multiplyAdds) { numbers in
        for number in numbers { body(number / planes, number % planes, 0..<rows) }
      }
    }
  }

  /// The products of all taps with all the pixels they meet, those on the padding counted too.
  package var multiplyAdds: Int { saturatingProduct(channels.batch, weights, output.elementCount) }
}
