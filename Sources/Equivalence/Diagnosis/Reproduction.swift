import Convolution

/// The wrong element with the fewest products, as a problem of its own.
struct Reproduction {
  /// One line of JSON for `POST /convolve`, whose result is the element's correct value.
  let line: String

  /// The most products that are written out.
  private static var longest: Int { 512 }

  /// Nil where every window is empty, too long or not finite.
  init?(of places: [Int], _ base: Variant, _ evidence: Evidence, isDouble: Bool) {
    var best: (place: Int, taps: Int)?
    for place in places.prefix(4096) {
      let (_, _, row, column) = base.element(at: place)
      var (rows, columns) = (0, 0)
      base.rows.forEachTap(of: row) { _, _ in rows += 1 }
      base.columns.forEachTap(of: column) { _, _ in columns += 1 }
      let taps = rows * columns
      if taps > 0 && taps < best?.taps ?? .max { best = (place, taps) }
    }
    guard let best, saturatingProduct(best.taps, base.givenPerGroup) <= Self.longest else { return nil }
    let (n, made, row, column) = base.element(at: best.place)
    var (images, filters): ([String], [String]) = ([], [])
    var isFinite = base.bias[made].isFinite
    func number(_ value: Double) -> String {
      isFinite = isFinite && value.isFinite
      return isDouble ? "\(value)" : "\(Float(value))"
    }
    for c in 0..<base.givenPerGroup {
      let weights = base.plane(made: made, c) * base.taps
      let pixels = (n * base.given + base.channel(made: made, c)) * base.givenPlane
      var (image, filter): ([String], [String]) = ([], [])
      base.rows.forEachTap(of: row) { u, i in
        var (imageRow, filterRow): ([String], [String]) = ([], [])
        base.columns.forEachTap(of: column) { v, j in
          imageRow.append(number(base.image[pixels + i * base.columns.given + j]))
          filterRow.append(number(base.filter[weights + u * base.columns.taps + v]))
        }
        image.append("[" + imageRow.joined(separator: ",") + "]")
        filter.append("[" + filterRow.joined(separator: ",") + "]")
      }
      images.append("[" + image.joined(separator: ",") + "]")
      filters.append("[" + filter.joined(separator: ",") + "]")
    }
    let bias = base.bias[made] == 0 ? "" : ",\"bias\":\(number(base.bias[made]))"
    if !isFinite { return nil }
    line =
      "{\"image\":[\(images.joined(separator: ","))],\"filter\":[[\(filters.joined(separator: ","))]]\(bias),"
      + "\"dtype\":\"\(isDouble ? "float64" : "float32")\"}"
  }
}
