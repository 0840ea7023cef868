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

  /// The place in the output of the element that should stand at `natural`.
  @inline(__always)
  func target(_ natural: Int, channels: Int, rows: Int, columns: Int) -> Int {
    let plane = rows &* columns
    switch self {
    case .planes: return natural
    case .transposed:
      let (before, within) = natural.quotientAndRemainder(dividingBy: plane)
      return before * plane + within % columns * rows + within / columns
    case .channelsLast: return Self.exchange(natural, channels, plane)
    case .channelsFirst: return Self.exchange(natural, plane, channels)
    }
  }

  /// The natural place of the element that stands at `place`.
  @inline(__always)
  func source(_ place: Int, channels: Int, rows: Int, columns: Int) -> Int {
    let plane = rows &* columns
    switch self {
    case .planes: return place
    case .transposed:
      let (before, within) = place.quotientAndRemainder(dividingBy: plane)
      return before * plane + within % rows * columns + within / rows
    case .channelsLast: return Self.exchange(place, plane, channels)
    case .channelsFirst: return Self.exchange(place, channels, plane)
    }
  }

  /// Where the element at `place` of an …×first×second array stands in the …×second×first one.
  private static func exchange(_ place: Int, _ first: Int, _ second: Int) -> Int {
    let (before, within) = place.quotientAndRemainder(dividingBy: first * second)
    return before * first * second + within % second * first + within / second
  }
}
