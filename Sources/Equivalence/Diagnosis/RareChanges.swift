import Convolution

extension Change {
  /// Changes that are not looked for together with another one.
  static func rare(_ variant: Variant) -> [Change] {
    let all = paddings(variant) + otherStrides(variant) + repeatedTaps(variant) + quantizedFilters(variant)
    return all.map {
      var change = $0
      change.isRare = true
      return change
    }
  }

  /// Paddings that are wrong by more than one.
  private static func paddings(_ variant: Variant) -> [Change] {
    let (top, left) = (variant.rows.before, variant.columns.before)
    let others = [
      (left, top), (0, 0), (0, left), (top, 0), (2 * top, 2 * left), (top + 2, left + 2), (top - 2, left - 2),
    ]
    var seen: [(Int, Int)] = []
    for (down, right) in others where (down, right) != (top, left) && down >= 0 && right >= 0 {
      let isNear = (down - top).magnitude < 2 && (right - left).magnitude < 2
      if !isNear && !seen.contains(where: { $0 == (down, right) }) { seen.append((down, right)) }
    }
    return seen.map { down, right in
      Change(
        mistake: .paddingOffByOne,
        says: "the padding before the first row was \(down) and not \(top), before the first column \(right) "
          + "and not \(left)"
      ) {
        $0.rows.before = down
        $0.columns.before = right
      }
    }
  }

  /// Windows that stand closer together or further apart.
  private static func otherStrides(_ variant: Variant) -> [Change] {
    let (down, right) = (variant.rows.stride, variant.columns.stride)
    let others = [(1, 1), (1, right), (down, 1), (down + 1, right + 1), (down - 1, right - 1)]
    var seen: [(Int, Int)] = []
    for (rows, columns) in others where (rows, columns) != (down, right) && rows > 0 && columns > 0 {
      if !seen.contains(where: { $0 == (rows, columns) }) { seen.append((rows, columns)) }
    }
    return seen.map { rows, columns in
      Change(
        mistake: .wrongStridePhase,
        says:
          "the windows stand \(rows)×\(columns) and not \(down)×\(right) apart, what lies outside being zero"
      ) {
        $0.rows.stride = rows
        $0.columns.stride = columns
      }
    }
  }

  /// A row or column of taps in place of its neighbour.
  private static func repeatedTaps(_ variant: Variant) -> [Change] {
    let (kh, kw) = (variant.rows.taps, variant.columns.taps)
    if kh > 16 || kw > 16 || kh * kw == 1 { return [] }
    var changes: [Change] = []
    for step in [-1, 1] {
      for u in 0..<kh where u + step >= 0 && u + step < kh {
        changes.append(
          Change(
            mistake: .missingTap, says: "row \(u) of the taps was left out, row \(u + step) in its place"
          ) {
            rearrange(&$0) { ($0 == u ? u + step : $0) * kw + $1 }
          })
      }
      for v in 0..<kw where v + step >= 0 && v + step < kw {
        changes.append(
          Change(
            mistake: .missingTap,
            says: "column \(v) of the taps was left out, column \(v + step) in its place"
          ) {
            rearrange(&$0) { $0 * kw + ($1 == v ? v + step : $1) }
          })
      }
    }
    return changes
  }

  /// Filters of eight bits and fewer.
  private static func quantizedFilters(_ variant: Variant) -> [Change] {
    func change(_ name: String, _ round: @escaping (Variant) -> [Double]) -> Change {
      Change(mistake: .shortInputs, says: "the filter was rounded to \(name)") { $0.filter = round($0) }
    }
    func float8(_ bits: Int, _ least: Int, _ largest: Double) -> (Variant) -> [Double] {
      { $0.filter.map { ShortRounding.float8($0, bits: bits, least: least, largest: largest) } }
    }
    func whole(_ steps: Double) -> (Variant) -> [Double] {
      { ShortRounding.quantized($0.filter, steps: steps) }
    }
    func byChannel(_ steps: Double) -> (Variant) -> [Double] {
      { variant in
        let size = variant.filter.count / variant.channels.output
        return (0..<variant.channels.output).flatMap {
          ShortRounding.quantized(variant.filter[$0 * size..<($0 + 1) * size], steps: steps)
        }
      }
    }
    return [
      change("float8 (E4M3)", float8(4, -9, 448)), change("float8 (E5M2)", float8(3, -16, 57344)),
      change("8-bit integers with one scale", whole(127)),
      change("8-bit integers with a scale for each channel", byChannel(127)),
      change("4-bit integers with one scale", whole(7)),
    ]
  }
}
