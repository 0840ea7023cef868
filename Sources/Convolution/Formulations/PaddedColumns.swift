import Buffers

/// The gather that puts the padding before and behind the rows of one image plane, and its adjoint: for matrices that
/// hold the padding of the other direction themselves. Nothing is gathered where the padding is zeros.
struct PaddedColumns: ~Copyable, Sendable {
  /// The columns of what is made: padded, or as they were where the padding is zeros.
  let axis: AxisGeometry
  /// Pixels of a row that is given.
  private let width: Int
  /// Rows of a plane.
  private let height: Int
  /// The pixel that stands at each column of a padded row; none where the padding is zeros.
  private let sources: AlignedBuffer<Int>

  init(_ geometry: ConvolutionGeometry) {
    let columns = geometry.columns
    width = columns.image
    height = geometry.rows.image
    if columns.mode == .zeros {
      axis = columns
      sources = AlignedBuffer()
      return
    }
    axis = columns.padded
    var sources = AlignedBuffer<Int>(capacity: axis.image)
    for position in -columns.before..<columns.image + columns.after {
      guard let source = columns.source(of: position) else { preconditionFailure("a zero has no source") }
      sources.append(source)
    }
    self.sources = sources
  }

  /// Bytes of the places and of one padded plane.
  static func heldBytes(_ geometry: ConvolutionGeometry, scalarByteCount: Int) -> Int {
    if geometry.paddingMode == .zeros { return 0 }
    let width = geometry.columns.padded.image
    return saturatingSum(
      saturatingProduct(width, MemoryLayout<Int>.stride),
      saturatingProduct(width, geometry.rows.image, scalarByteCount))
  }

  /// Whether a plane is other than the given one.
  var areGathered: Bool { sources.count > 0 }

  /// Room for one padded plane; none where nothing is gathered.
  func makeRoom<Scalar: Ring>() -> AlignedBuffer<Scalar> {
    AlignedBuffer(repeating: .zero, count: sources.count * height)
  }

  /// `plane` itself, or its padded copy in `room`.
  @inline(__always)
  func padded<Scalar: Ring>(
    _ plane: UnsafePointer<Scalar>, in room: UnsafeMutablePointer<Scalar>
  ) -> UnsafePointer<Scalar> {
    if !areGathered { return plane }
    for row in 0..<height {
      let (source, target) = (plane + row &* width, room + row &* sources.count)
      for column in 0..<sources.count { target[column] = source[sources.base[column]] }
    }
    return UnsafePointer(room)
  }

  /// Adds to each pixel of `plane` what stands at all its places in `room`: the adjoint of `padded`.
  @inline(__always)
  func fold<Scalar: Ring>(_ room: UnsafePointer<Scalar>, into plane: UnsafeMutablePointer<Scalar>) {
    for row in 0..<height {
      let (source, target) = (room + row &* sources.count, plane + row &* width)
      for column in 0..<sources.count {
        let pixel = sources.base[column]
        target[pixel] = target[pixel] + source[column]
      }
    }
  }
}
