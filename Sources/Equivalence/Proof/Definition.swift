import Convolution

/// The definition of a problem, written out as the meetings of results, taps and given elements along each axis.
///
/// In the forward direction results are outputs and given elements pixels; in a transposed problem it is the other way
/// around. Padding that repeats pixels gives a pixel several meetings with one output.
struct Definition: Sendable {
  /// `tap` multiplies `given` into `made`.
  struct Meeting: Sendable {
    let made: Int
    let tap: Int
    let given: Int
  }

  let geometry: ConvolutionGeometry
  let rows: [Meeting]
  let columns: [Meeting]

  /// Lists the meetings: at most outputs · taps of each axis.
  init(_ geometry: ConvolutionGeometry) {
    self.geometry = geometry
    rows = Self.meetings(geometry.rows, geometry.isTransposed)
    columns = Self.meetings(geometry.columns, geometry.isTransposed)
  }

  private static func meetings(_ axis: AxisGeometry, _ isTransposed: Bool) -> [Meeting] {
    var meetings: [Meeting] = []
    for output in 0..<axis.output {
      for tap in 0..<axis.filter {
        guard let pixel = axis.source(of: axis.pixel(output: output, tap: tap)) else { continue }
        meetings.append(
          isTransposed
            ? Meeting(made: pixel, tap: tap, given: output) : Meeting(made: output, tap: tap, given: pixel))
      }
    }
    return meetings
  }

  /// Rows and columns of what the problem is given, and of its result.
  var given: Extent { geometry.isTransposed ? geometry.output : geometry.image }
  var made: Extent { geometry.isTransposed ? geometry.image : geometry.output }
  /// Channels of both.
  var givenChannels: Int { geometry.isTransposed ? geometry.channels.output : geometry.channels.image }
  var madeChannels: Int { geometry.resultChannels }
  /// Elements of what is given.
  var givenCount: Int { geometry.isTransposed ? geometry.outputElementCount : geometry.imageElementCount }
  /// Channels of what is given that one channel of the result is made of.
  var givenPerGroup: Int { givenChannels / geometry.channels.groups }
  /// The filters' shape with all four dimensions.
  var filterShape: Shape {
    let channels = geometry.channels
    return Shape(channels.output, channels.imagePerGroup, geometry.filter.height, geometry.filter.width)
  }

  /// The result of the problem for these elements, all in row-major order.
  @specialized(where Value == Int)
  @specialized(where Value == PrimeField)
  func result<Value: Ring>(image: [Value], filter: [Value], bias: [Value]) -> [Value] {
    let channels = geometry.channels
    let (madePlane, givenPlane) = (made.elementCount, given.elementCount)
    var result = [Value](repeating: .zero, count: geometry.resultElementCount)
    for place in result.indices { result[place] = bias[channel(of: place)] }
    result.withUnsafeMutableBufferPointer { result in
      image.withUnsafeBufferPointer { image in
        filter.withUnsafeBufferPointer { filter in
          for n in 0..<channels.batch {
            for k in 0..<channels.output {
              for c in 0..<channels.imagePerGroup {
                let pixels = channels.firstImageChannel(of: k) + c
                let (madeChannel, givenChannel) = geometry.isTransposed ? (pixels, k) : (k, pixels)
                let madeStart = (n * madeChannels + madeChannel) * madePlane
                let givenStart = (n * givenChannels + givenChannel) * givenPlane
                let tapStart = (k * channels.imagePerGroup + c) * geometry.taps
                for row in rows {
                  let target = madeStart + row.made * made.width
                  let source = givenStart + row.given * given.width
                  let taps = tapStart + row.tap * geometry.filter.width
                  for column in columns {
                    let place = target + column.made
                    result[place] =
                      result[place] + filter[taps + column.tap] * image[source + column.given]
                  }
                }
              }
            }
          }
        }
      }
    }
    return result
  }

  /// The channel of the result's element at `place`, and so of the bias that is added to it.
  func channel(of place: Int) -> Int { place / made.elementCount % madeChannels }

  /// The products that the result's element at `place` is the sum of: the places of a tap and of a given element.
  func terms(of place: Int) -> [(tap: Int, given: Int)] {
    let channels = geometry.channels
    let (plane, within) = place.quotientAndRemainder(dividingBy: made.elementCount)
    let (n, madeChannel) = plane.quotientAndRemainder(dividingBy: madeChannels)
    let (row, column) = within.quotientAndRemainder(dividingBy: made.width)
    let group = madeChannel / (madeChannels / channels.groups)
    let rowMeetings = rows.filter { $0.made == row }
    let columnMeetings = columns.filter { $0.made == column }
    var terms: [(tap: Int, given: Int)] = []
    for c in 0..<givenPerGroup {
      let givenChannel = group * givenPerGroup + c
      let (k, pixels) = geometry.isTransposed ? (givenChannel, madeChannel) : (madeChannel, givenChannel)
      let filterPlane = k * channels.imagePerGroup + pixels % channels.imagePerGroup
      for r in rowMeetings {
        for s in columnMeetings {
          let tap = (filterPlane * geometry.filter.height + r.tap) * geometry.filter.width + s.tap
          let pixel = ((n * givenChannels + givenChannel) * given.height + r.given) * given.width + s.given
          terms.append((tap, pixel))
        }
      }
    }
    return terms
  }
}
