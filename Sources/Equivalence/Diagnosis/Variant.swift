import Convolution

/// A problem that may be wrong on purpose, in float64, of which any element or all can be evaluated.
struct Variant {
  var image: [Double]
  /// K×C/g×kh×kw as it is applied.
  var filter: [Double]
  /// A number for each channel of the result.
  var bias: [Double]
  var rows: AxisVariant
  var columns: AxisVariant
  let channels: ChannelGeometry
  let isTransposed: Bool
  /// The channel that is read where the problem says channel `c` of group `g`, at `g · givenPerGroup + c`.
  var reading: [Int]
  /// The group of each channel of the result.
  var groupOfMade: [Int]
  /// The channel that is computed where channel `k` of the result should stand.
  var madeOrder: [Int]
  /// Where its elements stand in the output.
  var order = OutputOrder.planes

  init<Scalar: TensorScalar>(_ problem: borrowing ConvolutionProblem<Scalar>) {
    let geometry = problem.geometry
    channels = geometry.channels
    isTransposed = geometry.isTransposed
    rows = AxisVariant(geometry.rows, isTransposed: isTransposed)
    columns = AxisVariant(geometry.columns, isTransposed: isTransposed)
    image = problem.image.values.map { Double($0) }
    filter = problem.filter.values.map { Double($0) }
    bias = problem.bias.values.map { Double($0) }
    let made = geometry.resultChannels
    let given = isTransposed ? channels.output : channels.image
    let perGroup = made / channels.groups
    reading = Array(0..<given)
    groupOfMade = (0..<made).map { $0 / perGroup }
    madeOrder = Array(0..<made)
  }

  var batch: Int { channels.batch }
  var made: Int { isTransposed ? channels.image : channels.output }
  var given: Int { isTransposed ? channels.output : channels.image }
  /// Given channels that one channel of the result is made of.
  var givenPerGroup: Int { given / channels.groups }
  var madePerGroup: Int { made / channels.groups }
  var taps: Int { rows.taps * columns.taps }
  var madePlane: Int { rows.made * columns.made }
  var givenPlane: Int { rows.given * columns.given }
  var count: Int { batch * made * madePlane }
  /// The most products in an element, for counting work.
  var terms: Int { max(1, saturatingProduct(givenPerGroup, taps)) }
  /// The products of all elements.
  var work: Int { saturatingProduct(count, terms) }

  /// The filter plane that joins channel `made` of the result to the `c`-th given channel of its group.
  @inline(__always)
  func plane(made: Int, _ c: Int) -> Int {
    isTransposed
      ? (groupOfMade[made] * givenPerGroup + c) * madePerGroup + made % madePerGroup
      : made * givenPerGroup + c
  }

  /// The given channel read as the `c`-th of the group of channel `made` of the result.
  @inline(__always)
  func channel(made: Int, _ c: Int) -> Int { reading[groupOfMade[made] * givenPerGroup + c] }

  /// Image, channel, row and column of the element that stands at `place` of the output.
  func element(at place: Int) -> (n: Int, made: Int, row: Int, column: Int) {
    let natural = order.source(place, (batch, made, rows.made, columns.made))
    let (plane, within) = natural.quotientAndRemainder(dividingBy: madePlane)
    return (plane / made, madeOrder[plane % made], within / columns.made, within % columns.made)
  }

  /// Calls `body` with each product of the element at `place`: the given channel's number in its group, the place of
  /// the weight, and both factors.
  @inline(__always)
  func forEachProduct(
    at place: Int, _ body: (_ c: Int, _ weight: Int, _ factor: Double, _ pixel: Double) -> Void
  ) {
    let (n, made, row, column) = element(at: place)
    for c in 0..<givenPerGroup {
      let weights = plane(made: made, c) * taps
      let pixels = (n * given + channel(made: made, c)) * givenPlane
      rows.forEachTap(of: row) { u, i in
        columns.forEachTap(of: column) { v, j in
          let weight = weights + u * columns.taps + v
          body(c, weight, filter[weight], image[pixels + i * columns.given + j])
        }
      }
    }
  }

  /// The same with its image padded, by zeros or by itself mirrored with its edge repeated. Nil where that image would be
  /// more than four times as large.
  func padded(mirrored: Bool) -> Variant? {
    func extent(_ axis: AxisVariant) -> Int {
      max(axis.before + axis.given, (axis.made - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1)
    }
    func source(_ padded: Int, _ axis: AxisVariant) -> Int? {
      let pixel = padded - axis.before
      if pixel >= 0 && pixel < axis.given { return pixel }
      let wrapped = ((pixel % (2 * axis.given)) + 2 * axis.given) % (2 * axis.given)
      return mirrored ? min(wrapped, 2 * axis.given - 1 - wrapped) : nil
    }
    let (height, width) = (extent(rows), extent(columns))
    if isTransposed || height * width > 4 * givenPlane + 4096 { return nil }
    var padded = self
    padded.image = [Double](repeating: 0, count: batch * given * height * width)
    let columnSources = (0..<width).map { source($0, columns) }
    for i in 0..<height {
      guard let row = source(i, rows) else { continue }
      for (j, column) in columnSources.enumerated() {
        guard let column else { continue }
        for plane in 0..<batch * given {
          padded.image[(plane * height + i) * width + j] =
            image[(plane * rows.given + row) * columns.given + column]
        }
      }
    }
    (padded.rows.given, padded.columns.given) = (height, width)
    (padded.rows.before, padded.columns.before) = (0, 0)
    return padded
  }

  /// The same padded by zeros, with ones where the padding is and zeros in place of the image.
  var outside: Variant? {
    var inner = self
    for place in inner.image.indices { inner.image[place] = 1 }
    guard var padded = inner.padded(mirrored: false) else { return nil }
    for place in padded.image.indices { padded.image[place] = 1 - padded.image[place] }
    return padded
  }

  /// The element that stands at `place` of the output, and the sum of its terms' magnitudes.
  func value(at place: Int) -> (value: Double, absolute: Double) {
    let bias = self.bias[element(at: place).made]
    var (sum, absolute) = (bias, bias.magnitude)
    forEachProduct(at: place) { _, _, factor, pixel in
      sum += factor * pixel
      absolute += (factor * pixel).magnitude
    }
    return (sum, absolute)
  }

  /// Calls `body` with each element's place in the output, its value and the sum of its terms' magnitudes, row by row,
  /// until it returns false.
  func forEachElement(_ body: (_ place: Int, _ value: Double, _ absolute: Double) -> Bool) {
    let width = columns.made
    let runs = columns.runs
    var sums = [Double](repeating: 0, count: width)
    var magnitudes = sums
    for n in 0..<batch {
      for k in 0..<made {
        for a in 0..<rows.made {
          let computed = madeOrder[k]
          for b in 0..<width { (sums[b], magnitudes[b]) = (bias[computed], bias[computed].magnitude) }
          addRow(n, computed, a, runs, &sums, &magnitudes)
          let start = ((n * made + k) * rows.made + a) * width
          for b in 0..<width {
            let place = order.target(start + b, (batch, made, rows.made, width))
            if !body(place, sums[b], magnitudes[b]) { return }
          }
        }
      }
    }
  }

  @inline(__always)
  private func addRow(
    _ n: Int, _ k: Int, _ a: Int, _ runs: [AxisVariant.Run], _ sums: inout [Double],
    _ magnitudes: inout [Double]
  ) {
    sums.withUnsafeMutableBufferPointer { sums in
      magnitudes.withUnsafeMutableBufferPointer { magnitudes in
        image.withUnsafeBufferPointer { image in
          filter.withUnsafeBufferPointer { filter in
            for c in 0..<givenPerGroup {
              let weights = plane(made: k, c) &* taps
              let pixels = (n &* given &+ channel(made: k, c)) &* givenPlane
              rows.forEachTap(of: a) { u, i in
                for run in runs {
                  Self.add(
                    run, filter[weights &+ u &* columns.taps &+ run.tap],
                    image.baseAddress.unsafelyUnwrapped + (pixels &+ i &* columns.given &+ run.given),
                    sums.baseAddress.unsafelyUnwrapped + run.made,
                    magnitudes.baseAddress.unsafelyUnwrapped + run.made)
                }
              }
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private static func add(
    _ run: AxisVariant.Run, _ weight: Double, _ pixels: UnsafePointer<Double>,
    _ sums: UnsafeMutablePointer<Double>, _ magnitudes: UnsafeMutablePointer<Double>
  ) {
    if run.madeStep == 1 && run.givenStep == 1 {
      for t in 0..<run.count {
        let product = weight * pixels[t]
        sums[t] += product
        magnitudes[t] += product.magnitude
      }
    } else {
      for t in 0..<run.count {
        let product = weight * pixels[t &* run.givenStep]
        sums[t &* run.madeStep] += product
        magnitudes[t &* run.madeStep] += product.magnitude
      }
    }
  }
}
