import Convolution

/// Along one axis, the pairs that meet at each position.
///
/// An axis is a set of triples (output `a`, tap `u`, pixel `j`) with `j = source(a·s + u·d − p)`. It is contracted to
/// the outputs by a convolution, to the pixels by its transpose, and to the taps by the filter's gradient; the other
/// two of each triple are then the pair. Pairs of a position that follow each other in equal steps form a run.
struct AxisPairs {
  /// What a position is.
  enum Side {
    /// An output; the pairs are (tap, pixel).
    case output
    /// A pixel; the pairs are (tap, output).
    case pixel
    /// A tap; the pairs are (output, pixel).
    case tap
  }

  /// Pairs in equal steps.
  struct Run {
    let first: Int
    let second: Int
    private(set) var firstStep = 0
    private(set) var secondStep = 0
    private(set) var count = 1
    /// The run that follows at the same position; below zero at the last.
    fileprivate(set) var next = -1

    fileprivate init(_ first: Int, _ second: Int) {
      self.first = first
      self.second = second
    }

    /// Takes the pair in as the next one, if it is.
    fileprivate mutating func extend(_ first: Int, _ second: Int) -> Bool {
      if count == 1 {
        firstStep = first - self.first
        secondStep = second - self.second
      } else if first != self.first + count * firstStep || second != self.second + count * secondStep {
        return false
      }
      count += 1
      return true
    }
  }

  /// All runs.
  private(set) var runs: [Run] = []
  /// The first run of each position; below zero where it has none.
  private(set) var heads: [Int]
  /// The most pairs at one position.
  private(set) var most = 0

  /// The pairs at each position on `side` of `axis`; the taps in the order of the filter rotated by 180° where
  /// `reversed`.
  init(_ axis: AxisGeometry, at side: Side, reversed: Bool = false) {
    let positions =
      switch side {
      case .output: axis.output
      case .pixel: axis.image
      case .tap: axis.filter
      }
    heads = [Int](repeating: -1, count: positions)
    var last = heads
    var counts = [Int](repeating: 0, count: positions)
    // Within the image, before it and behind it pixels follow each other evenly, so that a position has few runs.
    var zones = [0..<axis.image]
    if axis.mode != .zeros {
      zones = [-axis.before..<0, 0..<axis.image, axis.image..<axis.image + axis.after]
    }
    for zone in zones {
      for tap in 0..<axis.filter {
        for output in axis.outputs(of: tap, reading: zone) {
          guard let pixel = axis.source(of: axis.pixel(output: output, tap: tap)) else { continue }
          let (position, first, second) =
            switch side {
            case .output: (output, tap, pixel)
            case .pixel: (pixel, tap, output)
            case .tap: (reversed ? axis.filter - 1 - tap : tap, output, pixel)
            }
          counts[position] += 1
          if last[position] >= 0, runs[last[position]].extend(first, second) { continue }
          if last[position] < 0 {
            heads[position] = runs.count
          } else {
            runs[last[position]].next = runs.count
          }
          last[position] = runs.count
          runs.append(Run(first, second))
        }
      }
    }
    most = counts.max() ?? 0
  }

  /// One position at which every index from 0 to `count` meets the same single number: a plain sum.
  init(summing count: Int) {
    heads = [0]
    var run = Run(0, 0)
    for index in 1..<max(1, count) { _ = run.extend(index, 0) }
    runs = [run]
    most = count
  }

  /// Calls `body` with each run at `position` until it answers false; says whether it never did.
  @inline(__always)
  func forEachRun(at position: Int, _ body: (Run) -> Bool) -> Bool {
    var index = heads[position]
    while index >= 0 {
      let run = runs[index]
      if !body(run) { return false }
      index = run.next
    }
    return true
  }
}

extension AxisGeometry {
  /// The outputs of which `tap` reads a position in `zone`.
  fileprivate func outputs(of tap: Int, reading zone: Range<Int>) -> Range<Int> {
    let offset = pixel(output: 0, tap: tap)
    let toLower = zone.lowerBound - offset
    let lower = toLower <= 0 ? 0 : min(output, (toLower + stride - 1) / stride)
    let toLast = zone.upperBound - 1 - offset
    let upper = toLast < 0 ? 0 : min(output, toLast / stride + 1)
    return lower..<max(lower, upper)
  }
}
