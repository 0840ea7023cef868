/// In which order the elements of a result stand in the output.
enum OutputOrder: Hashable {
  /// Channel by channel, row by row, as they should.
  case planes
  /// Column by column in each plane.
  case transposed
  /// The channels of a pixel side by side.
  case channelsLast
  /// As if the planes had been taken for channels side by side, and were put apart.
  case channelsFirst
  /// Channel by channel, and in each of them image by image.
  case batchInside
  /// As if the channels had been taken for the images of a batch, and were put apart.
  case batchOutside

  /// Images, channels, rows and columns of a result.
  typealias Extents = (batch: Int, channels: Int, rows: Int, columns: Int)

  /// The place in the output of the element that should stand at `natural`.
  @inline(__always)
  func target(_ natural: Int, _ extents: Extents) -> Int {
    let (_, channels, rows, columns) = extents
    let plane = rows &* columns
    switch self {
    case .planes: return natural
    case .transposed:
      let (before, within) = natural.quotientAndRemainder(dividingBy: plane)
      return before * plane + within % columns * rows + within / columns
    case .channelsLast: return Self.exchange(natural, channels, plane)
    case .channelsFirst: return Self.exchange(natural, plane, channels)
    case .batchInside: return Self.exchange(natural, extents.batch, channels, of: plane)
    case .batchOutside: return Self.exchange(natural, channels, extents.batch, of: plane)
    }
  }

  /// The natural place of the element that stands at `place`.
  @inline(__always)
  func source(_ place: Int, _ extents: Extents) -> Int {
    let (_, channels, rows, columns) = extents
    let plane = rows &* columns
    switch self {
    case .planes: return place
    case .transposed:
      let (before, within) = place.quotientAndRemainder(dividingBy: plane)
      return before * plane + within % rows * columns + within / rows
    case .channelsLast: return Self.exchange(place, plane, channels)
    case .channelsFirst: return Self.exchange(place, channels, plane)
    case .batchInside: return Self.exchange(place, channels, extents.batch, of: plane)
    case .batchOutside: return Self.exchange(place, extents.batch, channels, of: plane)
    }
  }

  /// Where the element at `place` of an …×first×second array of `size` elements each stands in the …×second×first one.
  private static func exchange(_ place: Int, _ first: Int, _ second: Int, of size: Int = 1) -> Int {
    let (outer, inner) = place.quotientAndRemainder(dividingBy: size)
    let (before, within) = outer.quotientAndRemainder(dividingBy: first * second)
    return (before * first * second + within % second * first + within / second) * size + inner
  }
}
