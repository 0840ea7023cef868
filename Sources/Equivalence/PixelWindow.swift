import Buffers
import Convolution

/// The pixels under a strip of outputs, of all channels of a group, copied with the zeros around them: rows in their order, and
/// in each those that are a stride apart side by side, so that outputs that are neighbours read neighbours.
final class PixelWindow<Scalar: TensorScalar> {
  private let geometry: ConvolutionGeometry
  private let planeStep: Int
  private let buffer: AlignedBuffer<Scalar>
  /// Rows of a channel.
  private let height: Int
  /// The places within a stride at which some tap stands.
  private let residues: AlignedBuffer<Int>
  /// Pixels with the same place.
  private let pitch: Int
  /// The image and the outputs whose pixels it holds.
  private var held: (image: UnsafePointer<Scalar>, rows: Range<Int>)?

  /// Room for the pixels of `rowCapacity` rows of outputs, or of `lanes` columns where there are fewer; nil where that
  /// is much more than the image itself, or than is read of it, as great dilations and paddings can make it.
  ///
  /// - Parameter planeStep: From the pixels of a channel to those of the next.
  init?(_ geometry: ConvolutionGeometry, planeStep: Int, rowCapacity: Int, lanes: Int) {
    self.planeStep = planeStep
    let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.channels.imagePerGroup)
    // Taps come back to the same place within a stride after so many.
    var (period, rest) = (columns.stride, columns.dilation)
    while rest != 0 { (period, rest) = (rest, period % rest) }
    period = columns.stride / period
    let steps = min(period, columns.filter)
    height = (rowCapacity - 1) * rows.stride + (rows.filter - 1) * rows.dilation + 1
    pitch = max(columns.output, lanes) + (columns.filter - 1) * columns.dilation / columns.stride + 1
    // To copy what lies between the pixels of few taps would take longer than to multiply these.
    if height > 4 * rowCapacity * rows.filter
      || steps * pitch > 4 * max(columns.output, lanes) * columns.filter
    {
      return nil
    }
    let count = saturatingSum(saturatingProduct(channels, height, steps, pitch), lanes)
    if count > max(1 << 16, saturatingProduct(4, channels, geometry.image.elementCount)) { return nil }
    var residues = AlignedBuffer<Int>(capacity: steps)
    for v in 0..<steps { residues.append(v * columns.dilation % columns.stride) }
    self.residues = residues
    self.geometry = geometry
    buffer = AlignedBuffer(repeating: 0, count: count)
  }

  /// From a channel to the next, and from a row to the next.
  var steps: (plane: Int, row: Int) {
    let row = residues.count &* pitch
    return (height &* row, row)
  }

  /// Where the pixels of each column of the filter stand, behind those of the first.
  func columnOffsets() -> [Int] {
    let columns = geometry.columns
    return (0..<columns.filter).map {
      $0 % residues.count * pitch + $0 * columns.dilation / columns.stride
    }
  }

  /// The pixels under the rows `rows` of outputs; `image` is the first channel.
  func pixels(of rows: Range<Int>, in image: UnsafePointer<Scalar>) -> UnsafePointer<Scalar> {
    if let held, held.image == image, held.rows == rows { return UnsafePointer(buffer.base) }
    held = (image, rows)
    let (down, width) = (geometry.rows, geometry.image.width)
    let top = down.pixel(output: rows.lowerBound, tap: 0)
    let needed = (rows.count &- 1) &* down.stride &+ (down.filter &- 1) &* down.dilation &+ 1
    for channel in 0..<geometry.channels.imagePerGroup {
      let plane = image + channel &* planeStep
      for row in 0..<needed {
        let target = buffer.base + (channel &* steps.plane &+ row &* steps.row)
        let pixels = top &+ row
        copy(pixels >= 0 && pixels < down.image ? plane + pixels &* width : nil, into: target)
      }
    }
    return UnsafePointer(buffer.base)
  }

  /// Writes one row of pixels, or of zeros, in between those that are zeros always.
  @inline(__always)
  private func copy(_ row: UnsafePointer<Scalar>?, into target: UnsafeMutablePointer<Scalar>) {
    let (columns, stride) = (geometry.columns, geometry.columns.stride)
    for index in 0..<residues.count {
      let offset = residues.base[index] &- columns.before
      // The pixel of place q is q·stride + offset.
      let lower = offset >= 0 ? 0 : (stride &- 1 &- offset) / stride
      let upper = min(pitch, (columns.image &- 1 &- offset) / stride &+ 1)
      if columns.image &- 1 < offset || lower >= upper { continue }
      let places = target + (index &* pitch &+ lower)
      guard let row else {
        places.update(repeating: 0, count: upper &- lower)
        continue
      }
      let first = row + (lower &* stride &+ offset)
      if stride == 1 {
        places.update(from: first, count: upper &- lower)
      } else {
        for place in 0..<upper &- lower { places[place] = first[place &* stride] }
      }
    }
  }
}
