import Convolution

extension Change {
  /// Tensors whose dimensions were read in another order than they were written in.
  static func layouts(_ variant: Variant, isFlipped: Bool) -> [Change] {
    images(variant) + filters(variant, isFlipped: isFlipped) + outputs(variant)
  }

  private static func images(_ variant: Variant) -> [Change] {
    let extents = [variant.batch, variant.given, variant.rows.given, variant.columns.given]
    let orders = [("NHWC", [0, 2, 3, 1]), ("CNHW", [1, 0, 2, 3])]
    return both("image", "NCHW", extents, orders, copiesImage: true) {
      $0.image = $1($0.image)
    }
  }

  private static func filters(_ variant: Variant, isFlipped: Bool) -> [Change] {
    let channels = variant.channels
    let extents = [channels.output, channels.imagePerGroup, variant.rows.taps, variant.columns.taps]
    let orders = [
      ("HWIO", [2, 3, 1, 0]), ("OHWI", [0, 2, 3, 1]), ("IOHW", [1, 0, 2, 3]), ("HWOI", [2, 3, 0, 1]),
    ]
    let taps = variant.taps
    /// The filter as it was given, or as it is applied, from the other one.
    func turned(_ filter: [Double]) -> [Double] {
      if !isFlipped { return filter }
      return filter.indices.map { filter[$0 / taps * taps + taps - 1 - $0 % taps] }
    }
    return both("filter", "OIHW", extents, orders, copiesImage: false) {
      $0.filter = turned($1(turned($0.filter)))
    }
  }

  private static func outputs(_ variant: Variant) -> [Change] {
    var changes: [Change] = []
    if variant.made > 1 && variant.batch > 1 {
      changes = [
        Change(mistake: .wrongLayout, says: "the output was written as CNHW and read as NCHW") {
          $0.order = .batchInside
        },
        Change(
          mistake: .wrongLayout,
          says: "the output was written as NCHW and then turned around as if it were CNHW"
        ) {
          $0.order = .batchOutside
        },
      ]
    }
    if variant.made == 1 || variant.madePlane == 1 { return changes }
    return changes + [
      Change(mistake: .wrongLayout, says: "the output was written as NHWC and read as NCHW") {
        $0.order = .channelsLast
      },
      Change(
        mistake: .wrongLayout,
        says: "the output was written as NCHW and then turned around as if it were NHWC"
      ) {
        $0.order = .channelsFirst
      },
    ]
  }

  /// A tensor of `extents` that was read as each order says, and the other way around.
  private static func both(
    _ name: String, _ natural: String, _ extents: [Int], _ orders: some Sequence<(String, [Int])>,
    copiesImage: Bool, _ change: @escaping (inout Variant, ([Double]) -> [Double]) -> Void
  ) -> [Change] {
    orders.flatMap { order, axes -> [Change] in
      // Exchanging dimensions of which one is 1 changes nothing.
      if axes.filter({ extents[$0] > 1 }) == axes.sorted().filter({ extents[$0] > 1 }) { return [] }
      return [
        Change(
          mistake: .wrongLayout, says: "the \(name), which is \(natural), was read as \(order)",
          copiesImage: copiesImage
        ) { change(&$0) { permuted($0, extents, axes, inverse: false) } },
        Change(
          mistake: .wrongLayout, says: "the \(name) was turned into \(order) and read as \(natural)",
          copiesImage: copiesImage
        ) { change(&$0) { permuted($0, extents, axes, inverse: true) } },
      ]
    }
  }

  /// The elements of a tensor of `extents` whose memory holds its dimensions in the order `axes`, in natural order; or, of a
  /// tensor in natural order, the memory that holds it in the order `axes`.
  private static func permuted(
    _ values: [Double], _ extents: [Int], _ axes: [Int], inverse: Bool
  ) -> [Double] {
    // Steps of the natural dimensions in the memory that holds them in the order `axes`.
    var steps = [0, 0, 0, 0]
    var step = 1
    for axis in axes.reversed() {
      steps[axis] = step
      step *= extents[axis]
    }
    var result = values
    var place = 0
    for a in 0..<extents[0] {
      for b in 0..<extents[1] {
        for c in 0..<extents[2] {
          for d in 0..<extents[3] {
            let other = a * steps[0] + b * steps[1] + c * steps[2] + d * steps[3]
            if inverse { result[other] = values[place] } else { result[place] = values[other] }
            place += 1
          }
        }
      }
    }
    return result
  }
}
