import Buffers

/// Where each tap of a filter row meets the image: found once for a geometry, so that no loop over pixels asks
/// whether it stands on padding.
struct ColumnPieces: ~Copyable, Sendable {
  /// The outputs of a row for which one tap reads the image.
  struct Piece: BitwiseCopyable, Sendable {
    let lower: Int
    let upper: Int
  }

  /// One piece for each tap of a filter row; none where there is no padding, and all is interior.
  let pieces: AlignedBuffer<Piece>
  /// The outputs that all taps reach: the part of a row that needs no further question.
  let interior: Range<Int>

  /// How many pieces are kept.
  static func count(_ columns: AxisGeometry) -> Int {
    columns.before == 0 && columns.after == 0 ? 0 : columns.filter
  }

  init(_ columns: AxisGeometry) {
    let count = Self.count(columns)
    var pieces = AlignedBuffer<Piece>(capacity: count)
    for tap in 0..<count {
      let outputs = columns.outputs(reachedBy: tap)
      pieces.append(Piece(lower: outputs.lowerBound, upper: outputs.upperBound))
    }
    self.pieces = pieces
    interior = columns.interior
  }

  /// Calls `body` for each run of the outputs of `tap` outside the interior: before it and behind it.
  @inline(__always)
  func forEachEdge(of tap: Int, _ body: (_ start: Int, _ count: Int) -> Void) {
    let piece = pieces.base[tap]
    let front = min(piece.upper, interior.lowerBound)
    if piece.lower < front { body(piece.lower, front &- piece.lower) }
    let back = max(piece.lower, interior.upperBound)
    if back < piece.upper { body(back, piece.upper &- back) }
  }
}
