/// Which taps join each row of a matrix along one axis to which of its columns.
///
/// Forwards a row is an output and a column a pixel; of a transposed map a row is a pixel and a column an output.
package struct AxisMeetings {
  /// One tap that joins a row to the column at `position`.
  package struct Meeting {
    /// The pixel, or of a transposed map the output.
    package let position: Int
    /// The tap.
    package let tap: Int
  }

  private let starts: [Int]
  private let meetings: [Meeting]

  /// The meetings of all rows. They take as many places as the axis has entries, so that whoever makes them has
  /// checked the memory of the matrix before.
  package init(_ axis: AxisGeometry, transposed: Bool) {
    var starts = [0]
    var meetings: [Meeting] = []
    let reaching = ReachingTaps(axis)
    for row in 0..<(transposed ? axis.image : axis.output) {
      if transposed {
        Self.append(outputsOf: row, axis, reaching, to: &meetings)
      } else {
        Self.append(pixelsOf: row, axis, to: &meetings)
      }
      starts.append(meetings.count)
    }
    self.starts = starts
    self.meetings = meetings
  }

  /// How many rows there are.
  package var count: Int { starts.count - 1 }

  /// The meetings of one row by ascending position, and at one position by ascending tap.
  package subscript(row: Int) -> ArraySlice<Meeting> { meetings[starts[row]..<starts[row + 1]] }

  private static func append(pixelsOf output: Int, _ axis: AxisGeometry, to meetings: inout [Meeting]) {
    if axis.mode == .zeros {
      for tap in axis.taps(of: output) {
        meetings.append(Meeting(position: axis.pixel(output: output, tap: tap), tap: tap))
      }
      return
    }
    let start = meetings.count
    for tap in 0..<axis.filter {
      if let source = axis.source(of: axis.pixel(output: output, tap: tap)) {
        meetings.append(Meeting(position: source, tap: tap))
      }
    }
    meetings[start...].sort { ($0.position, $0.tap) < ($1.position, $1.tap) }
  }

  private static func append(
    outputsOf pixel: Int, _ axis: AxisGeometry, _ reaching: ReachingTaps, to meetings: inout [Meeting]
  ) {
    let distance = pixel + axis.before
    guard var tap = reaching.last(at: distance, upTo: min(axis.filter - 1, distance / axis.dilation)) else {
      return
    }
    // Later taps reach the pixel from earlier outputs.
    while tap >= 0 {
      let output = (distance - tap * axis.dilation) / axis.stride
      if output >= axis.output { break }
      meetings.append(Meeting(position: output, tap: tap))
      tap -= reaching.step
    }
  }
}

/// Which taps reach a pixel from any output, `distance = output · stride + tap · dilation`: every so many taps one. They are
/// found without trying the others, of which there may be very many.
private struct ReachingTaps {
  /// Taps from one that reaches a pixel to the next.
  let step: Int
  private let divisor: Int
  /// `inverse · (dilation / divisor)` leaves 1 when divided by `step`.
  private let inverse: Int

  init(_ axis: AxisGeometry) {
    // Euclid's algorithm, with the factor of the dilation carried along.
    var (a, b) = (axis.stride, axis.dilation)
    var (factor, next) = (0, 1)
    while b != 0 {
      let quotient = a / b
      (a, b) = (b, a - quotient * b)
      (factor, next) = (next, factor - quotient * next)
    }
    divisor = a
    step = axis.stride / a
    inverse = ((factor % step) + step) % step
  }

  /// The last tap up to `limit` that reaches a pixel at `distance` from where the first tap of the first output stands.
  func last(at distance: Int, upTo limit: Int) -> Int? {
    let (quotient, remainder) = distance.quotientAndRemainder(dividingBy: divisor)
    if remainder != 0 { return nil }
    let first = quotient % step * inverse % step
    return first > limit ? nil : limit - (limit - first) % step
  }
}
