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
    for row in 0..<(transposed ? axis.image : axis.output) {
      if transposed {
        Self.append(outputsOf: row, axis, to: &meetings)
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

  private static func append(outputsOf pixel: Int, _ axis: AxisGeometry, to meetings: inout [Meeting]) {
    // Later taps reach the pixel from earlier outputs.
    for tap in (0..<axis.filter).reversed() {
      let distance = pixel + axis.before - tap * axis.dilation
      if distance >= 0, distance % axis.stride == 0, distance / axis.stride < axis.output {
        meetings.append(Meeting(position: distance / axis.stride, tap: tap))
      }
    }
  }
}
