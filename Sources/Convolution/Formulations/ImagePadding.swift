package import Buffers

/// The gather that puts the padding around images, for padding modes that repeat pixels, and its adjoint.
package struct ImagePadding: ~Copyable, Sendable {
  private let image: Extent
  /// The pixel that stands at each padded row, then at each padded column.
  private let rows: AlignedBuffer<Int>
  private let columns: AlignedBuffer<Int>
  /// Images times channels.
  private let planes: Int

  /// The padding of `geometry`; every position must have a source, so that the mode is not zeros.
  package init(_ geometry: ConvolutionGeometry) {
    image = geometry.image
    planes = geometry.channels.batch * geometry.channels.image
    rows = Self.sources(geometry.rows)
    columns = Self.sources(geometry.columns)
  }

  private static func sources(_ axis: AxisGeometry) -> AlignedBuffer<Int> {
    var sources = AlignedBuffer<Int>(capacity: axis.padded.image)
    for position in -axis.before..<axis.image + axis.after {
      guard let source = axis.source(of: position) else { preconditionFailure("a zero has no source") }
      sources.append(source)
    }
    return sources
  }

  /// Bytes of its places and of the padded images.
  static func heldBytes(_ geometry: ConvolutionGeometry, scalarByteCount: Int) -> Int {
    let padded = geometry.padded
    return saturatingSum(
      saturatingProduct(padded.image.height + padded.image.width, MemoryLayout<Int>.stride),
      saturatingProduct(padded.imageElementCount, scalarByteCount))
  }

  /// Elements of the padded images.
  var elementCount: Int { planes * rows.count * columns.count }

  /// The images with their padding around them.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func padded<Scalar: Ring>(_ images: UnsafePointer<Scalar>) -> AlignedBuffer<Scalar> {
    AlignedBuffer(count: elementCount) { room in
      var target = room.baseAddress.unsafelyUnwrapped
      for plane in 0..<planes {
        for row in 0..<rows.count {
          let source = images + (plane &* image.height &+ rows.base[row]) &* image.width
          for column in 0..<columns.count { target[column] = source[columns.base[column]] }
          target += columns.count
        }
      }
    }
  }

  /// Adds to each pixel of `images` what stands at all its places in `padded`: the adjoint of `padded(_:)`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func fold<Scalar: Ring>(_ padded: UnsafePointer<Scalar>, into images: UnsafeMutablePointer<Scalar>) {
    var source = padded
    for plane in 0..<planes {
      for row in 0..<rows.count {
        let target = images + (plane &* image.height &+ rows.base[row]) &* image.width
        for column in 0..<columns.count {
          let pixel = columns.base[column]
          target[pixel] = target[pixel] + source[column]
        }
        source += columns.count
      }
    }
  }
}
