import Convolution

/// How results, taps and given elements meet along one axis, with numbers that may be wrong on purpose: unlike
/// `AxisGeometry` nothing has to fit, and what lies outside is zero.
struct AxisVariant: Hashable {
  let isTransposed: Bool
  /// Elements of the result and of what is given.
  let made: Int
  var given: Int
  let taps: Int
  var stride: Int
  var dilation: Int
  var before: Int
  var mode: PaddingMode
  /// Pixels by which all windows begin late.
  var phase = 0

  init(_ axis: AxisGeometry, isTransposed: Bool) {
    self.isTransposed = isTransposed
    made = isTransposed ? axis.image : axis.output
    given = isTransposed ? axis.output : axis.image
    taps = axis.filter
    stride = axis.stride
    dilation = axis.dilation
    before = axis.before
    mode = axis.mode
  }

  /// The given element that `tap` multiplies into result `position`; nil where it is a zero.
  @inline(__always)
  func source(_ position: Int, tap: Int) -> Int? {
    if isTransposed {
      let distance = position + before - tap * dilation - phase
      if distance < 0 || distance % stride != 0 || distance / stride >= given { return nil }
      return distance / stride
    }
    let pixel = position * stride + tap * dilation - before + phase
    if pixel >= 0 && pixel < given { return pixel }
    let mirrored: Int
    switch mode {
    case .zeros: return nil
    case .replicate: return pixel < 0 ? 0 : given - 1
    case .circular: mirrored = pixel < 0 ? pixel + given : pixel - given
    case .reflect: mirrored = pixel < 0 ? -pixel : 2 * (given - 1) - pixel
    }
    return mirrored >= 0 && mirrored < given ? mirrored : nil
  }

  /// The taps of result `position` that are not zeros.
  @inline(__always)
  func forEachTap(of position: Int, _ body: (_ tap: Int, _ given: Int) -> Void) {
    for tap in 0..<taps {
      if let given = source(position, tap: tap) { body(tap, given) }
    }
  }

  /// Results `made`, `made + madeStep`, … that a tap joins to given elements `given`, `given + givenStep`, ….
  struct Run {
    let tap: Int
    let made: Int
    var given: Int
    var count: Int
    var madeStep: Int
    var givenStep: Int
  }

  /// All meetings as runs: few of them, so that the loops over them are long.
  var runs: [Run] {
    var runs: [Run] = []
    for tap in 0..<taps {
      var current: Run?
      var last = (made: 0, given: 0)
      for position in 0..<made {
        guard let given = source(position, tap: tap) else { continue }
        if var run = current {
          let step = (position - last.made, given - last.given)
          if run.count == 1 { (run.madeStep, run.givenStep) = step }
          if step == (run.madeStep, run.givenStep) {
            run.count += 1
            current = run
            last = (position, given)
            continue
          }
          runs.append(run)
        }
        current = Run(tap: tap, made: position, given: given, count: 1, madeStep: 1, givenStep: 1)
        last = (position, given)
      }
      if let current { runs.append(current) }
    }
    return runs
  }
}
