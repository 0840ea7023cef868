import Convolution

/// How the planes of a reference are cut into parts that are formed each by itself, in the order of the result: a few whole planes
/// that share what they are sums of, or some rows of one plane.
struct ReferenceParts {
  /// Planes of the result, and rows of each.
  struct Part {
    let planes: Range<Int>
    let rows: Range<Int>
  }

  /// How many there are.
  let count: Int
  /// The most rows in one.
  let rowCapacity: Int
  /// The most planes in one that are formed together.
  let together: Int
  private let plane: Extent
  private let planesPerGroup: Int
  private let planesPerPart: Int
  private let partsOfGroup: Int
  private let partsOfPlane: Int

  /// The most lanes of a kernel: one that forms more outputs of the last row than there are writes behind it.
  private static var spare: Int { 8 }

  /// Elements of whole planes that stay in the second cache; of those that one thread looks through once in the first one, while
  /// several threads have more to do before they meet.
  private static var mostOfPlanes: Int { 1 << 16 }
  private static var mostOfRows: (alone: Int, shared: Int) { (1024, 1 << 14) }

  /// - Parameters:
  ///   - groups: Groups of planes that share what they are sums of, `planesPerGroup` in each.
  ///   - unit: The planes that follow each other while one of those that are formed together is gone through.
  ///   - together: How many planes, `unit` apart, a kernel forms together.
  init(
    groups: Int, planesPerGroup: Int, unit: Int, together: Int, _ plane: Extent, isShared: Bool
  ) {
    self.plane = plane
    self.planesPerGroup = planesPerGroup
    let units = planesPerGroup / unit
    let elements = saturatingProduct(unit, plane.elementCount)
    if together > 1 && units > 1 && saturatingProduct(elements, together) <= Self.mostOfPlanes {
      let blocks = (units + together - 1) / together
      var most = (units + blocks - 1) / blocks
      if isShared {
        // For some threads several parts each, that none waits long for another.
        most = max(most, min(Self.mostOfPlanes / elements, (groups * units + 7) / 8, units))
      }
      self.together = most
      planesPerPart = most * unit
      rowCapacity = plane.height
    } else {
      self.together = 1
      planesPerPart = 1
      let most = isShared ? Self.mostOfRows.shared : Self.mostOfRows.alone
      rowCapacity = min(plane.height, max(1, most / plane.width))
    }
    partsOfPlane = (plane.height + rowCapacity - 1) / rowCapacity
    partsOfGroup = (planesPerGroup + planesPerPart - 1) / planesPerPart * partsOfPlane
    count = groups * partsOfGroup
  }

  /// Part `index`.
  subscript(index: Int) -> Part {
    let (group, place) = index.quotientAndRemainder(dividingBy: partsOfGroup)
    let (block, strip) = place.quotientAndRemainder(dividingBy: partsOfPlane)
    let end = (group &+ 1) &* planesPerGroup
    let first = group &* planesPerGroup &+ block &* planesPerPart
    return Part(
      planes: first..<min(end, first &+ planesPerPart),
      rows: strip &* rowCapacity..<min(plane.height, (strip &+ 1) &* rowCapacity))
  }

  /// From the sums of a plane of a part to those of the next.
  var planeStep: Int { rowCapacity * plane.width + Self.spare }

  /// Sums that a part has room for.
  var capacity: Int { planesPerPart * planeStep }

  /// Hands the sums of `part` to `sink`.
  @inline(__always)
  func give<Sink: ReferenceSink>(_ values: ReferenceValues, of part: Part, to sink: inout Sink) {
    for (index, number) in part.planes.enumerated() {
      sink.take(
        values.advanced(by: index &* planeStep),
        from: (number &* plane.height &+ part.rows.lowerBound) &* plane.width,
        count: part.rows.count &* plane.width)
    }
  }
}
