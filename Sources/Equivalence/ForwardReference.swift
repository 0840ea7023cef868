import Convolution

/// Forms the reference of a convolution whose padding mode is zeros, strip by strip: by the kernel of the instruction set
/// in use where it can, else output by output. Each output is one chain over its channels and taps in row-major order.
///
/// The kernel knows neither padding nor strides along a row, nor rows shorter than its vectors. Where there are such, it is given
/// a copy of the strip's pixels with the zeros around them, pixels that are a stride apart side by side. A product of a
/// zero there with a tap changes no sum, unless the tap is not finite; then there is no copy, and no kernel.
struct ForwardReference<Sum: ProductSum> {
  /// Fewer products than this are formed before a kernel has started.
  private static var fewProducts: Int { 512 }

  /// From the pixels of a channel to those of the next, and from its weights to the next one's.
  struct Steps {
    let image: Int
    let weights: Int
  }

  private let geometry: ConvolutionGeometry
  private let steps: Steps
  private let values: ReferenceValues
  private let kernel: ReferenceKernel<Sum.Factor>
  private let usesKernel: Bool
  /// Where the pixels of each column of the filter stand.
  private let columns: [Int]
  private let window: PixelWindow<Sum.Factor>?

  /// Forms outputs of `geometry` into the values of `strip`. Channels follow each other where `steps` does not say otherwise;
  /// `weights` are all that there are.
  init(
    _ geometry: ConvolutionGeometry, steps: Steps? = nil, weights: UnsafeBufferPointer<Sum.Factor>,
    into strip: borrowing ReferenceStrip
  ) {
    self.geometry = geometry
    let steps = steps ?? Steps(image: geometry.image.elementCount, weights: geometry.taps)
    self.steps = steps
    values = strip.values
    kernel = ReferenceKernel()
    let (rows, axis, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let products = saturatingProduct(
      saturatingProduct(channels.batch, channels.output), channels.imagePerGroup, geometry.taps,
      geometry.output.elementCount)
    let isInside = rows.interior.count == rows.output && axis.interior.count == axis.output
    if products < Self.fewProducts || (kernel.splits && !Sum.splits) {
      (usesKernel, columns, window) = (false, [], nil)
    } else if isInside && axis.stride == 1 && axis.output >= kernel.lanes {
      (usesKernel, columns, window) = (true, (0..<axis.filter).map { $0 &* axis.dilation }, nil)
    } else if isInside || Scan(weights).nonfinite == 0 {
      let found = PixelWindow<Sum.Factor>(
        geometry, planeStep: steps.image, rowCapacity: strip.rowCapacity, lanes: kernel.lanes)
      (usesKernel, columns, window) = (found != nil, found?.columnOffsets() ?? [], found)
    } else {
      (usesKernel, columns, window) = (false, [], nil)
    }
  }

  /// Forms the rows `rows` of the output plane of `weights` and `image`, the first of their channels; every sum begins with
  /// `start`.
  func form(
    _ rows: Range<Int>, weights: UnsafePointer<Sum.Factor>, image: UnsafePointer<Sum.Factor>, start: Double
  ) {
    if !usesKernel || !formByKernel(rows, weights, image, start) {
      formOneByOne(rows, weights, image, start)
    }
  }

  /// Forms rows by the kernel; says whether the sums are good.
  private func formByKernel(
    _ rows: Range<Int>, _ weights: UnsafePointer<Sum.Factor>, _ image: UnsafePointer<Sum.Factor>,
    _ start: Double
  ) -> Bool {
    let (down, width, taps) = (geometry.rows, geometry.image.width, geometry.filter)
    let target = ReferenceTarget(
      value: values.value, tail: values.tail, absolute: values.absolute, step: geometry.output.width)
    let step: (plane: Int, row: Int)
    let source: UnsafePointer<Sum.Factor>
    if let window {
      source = window.pixels(of: rows, in: image)
      step = window.steps
    } else {
      source =
        image
        + (down.pixel(output: rows.lowerBound, tap: 0) &* width &+ geometry.columns.pixel(output: 0, tap: 0))
      step = (steps.image, width)
    }
    return columns.withUnsafeBufferPointer { columns in
      kernel.form(
        rows: rows.count, count: max(geometry.output.width, kernel.lanes),
        ReferenceTaps(
          planes: geometry.channels.imagePerGroup, rows: taps.height, columns: columns, planeStep: step.plane,
          rowStep: down.dilation &* step.row, outputStep: down.stride &* step.row,
          weightPlaneStep: steps.weights, weightRowStep: taps.width),
        source: source, weights: weights, start: start, into: target)
    }
  }

  /// Forms rows in plain sums, taps on padding left out.
  @inline(never)
  private func formOneByOne(
    _ outputs: Range<Int>, _ weights: UnsafePointer<Sum.Factor>, _ image: UnsafePointer<Sum.Factor>,
    _ start: Double
  ) {
    let (rows, columns) = (geometry.rows, geometry.columns)
    var index = 0
    for a in outputs {
      let rowTaps = rows.taps(of: a)
      for b in 0..<columns.output {
        let columnTaps = columns.taps(of: b)
        let first = columns.pixel(output: b, tap: columnTaps.lowerBound)
        var sum = Sum(start)
        for c in 0..<geometry.channels.imagePerGroup {
          let plane = image + c &* steps.image
          for u in rowTaps {
            let row = weights + (c &* steps.weights &+ u &* columns.filter)
            var pixel = plane + (rows.pixel(output: a, tap: u) &* columns.image &+ first)
            for v in columnTaps {
              sum.add(row[v], pixel.pointee)
              pixel += columns.dilation
            }
          }
        }
        values.store(sum, at: index)
        index &+= 1
      }
    }
  }
}
