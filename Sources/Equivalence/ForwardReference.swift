import Convolution
import Synchronization

/// Forms the reference of a convolution whose padding mode is zeros, part by part: by the kernel of the instruction set
/// in use where it can, else output by output. Each output is one chain over its channels and taps in row-major order.
///
/// The kernel knows neither padding nor strides along a row, nor rows shorter than its vectors. Where there are such, it is given
/// a copy of the part's pixels with the zeros around them, pixels that are a stride apart side by side. A product of a
/// zero there with a tap changes no sum, unless the tap is not finite; then there is no copy, and no kernel.
///
/// Parts may be formed by several threads at the same time, each with a window of its own.
final class ForwardReference<Sum: ProductSum> {
  /// Fewer products than this are formed before a kernel has started.
  private static var fewProducts: Int { 512 }
  /// Taps that the kernel goes through as one row: rows of few taps take longer to begin than to end.
  private static var tapsOfRow: Int { 1024 }

  /// From the pixels of a channel to those of the next, and from its weights to the next one's; and from the weights of a
  /// plane of outputs to those of the next.
  struct Steps {
    let image: Int
    let weights: Int
    let planes: Int
  }

  private let geometry: ConvolutionGeometry
  private let steps: Steps
  private let rowCapacity: Int
  private let weights: UnsafeBufferPointer<Sum.Factor>
  private let images: UnsafeBufferPointer<Sum.Factor>
  private let kernel: ReferenceKernel<Sum.Factor>
  private let kernelWeights: ReferenceWeights<Sum.Factor>?
  private let window: PixelWindow<Sum.Factor>?
  /// The steps that the kernel goes: rows of a channel are one where they have few taps, and so are channels.
  private let channels: (count: Int, step: Int, weightStep: Int)
  private let rows: (count: Int, step: Int)
  private let outputStep: Int
  private let columns: [Int]
  /// Whether no product other than zero is below 2⁻¹²⁶, once that was asked.
  private let staysNormal = Mutex<Bool?>(nil)

  /// How many planes of outputs the kernel forms together at most.
  static var mostTogether: Int { ReferenceKernel<Sum.Factor>().planes }

  /// Forms outputs of `geometry`, at most `rowCapacity` rows of `together` planes of them at once. Channels follow each other
  /// where `steps` does not say otherwise; `weights` and `images` are all that there are.
  init(
    _ geometry: ConvolutionGeometry, steps: Steps? = nil, weights: UnsafeBufferPointer<Sum.Factor>,
    images: UnsafeBufferPointer<Sum.Factor>, rowCapacity: Int, together: Int
  ) {
    self.geometry = geometry
    self.rowCapacity = rowCapacity
    self.weights = weights
    self.images = images
    let inGroup = geometry.channels.imagePerGroup
    let steps =
      steps
      ?? Steps(
        image: geometry.image.elementCount, weights: geometry.taps, planes: inGroup * geometry.taps)
    self.steps = steps
    kernel = ReferenceKernel()
    let (down, along, channels) = (geometry.rows, geometry.columns, geometry.channels)
    let products = saturatingProduct(
      saturatingProduct(channels.batch, channels.output), inGroup, geometry.taps,
      geometry.output.elementCount)
    let isInside = down.interior.count == down.output && along.interior.count == along.output
    var usesKernel = products >= Self.fewProducts && (!kernel.splits || Sum.splits)
    var window: PixelWindow<Sum.Factor>?
    if usesKernel && !(isInside && along.stride == 1 && along.output >= kernel.lanes) {
      if isInside || Scan(weights).nonfinite == 0 {
        window = PixelWindow(geometry, planeStep: steps.image, rowCapacity: rowCapacity, lanes: kernel.lanes)
      }
      usesKernel = window != nil
    }
    self.window = window
    kernelWeights = usesKernel ? ReferenceWeights(weights, planes: min(together, kernel.planes)) : nil
    guard usesKernel else {
      (self.channels, rows, outputStep, columns) = ((0, 0, 0), (0, 0), 0, [])
      return
    }
    let step = window?.steps ?? (plane: steps.image, row: geometry.image.width)
    let offsets = window?.columnOffsets() ?? (0..<along.filter).map { $0 &* along.dilation }
    outputStep = down.stride &* step.row
    let rowStep = down.dilation &* step.row
    if geometry.taps > Self.tapsOfRow {
      (columns, rows) = (offsets, (down.filter, rowStep))
      self.channels = (inGroup, step.plane, steps.weights)
      return
    }
    var joined = 1
    if steps.weights == geometry.taps {
      for count in 1...max(1, min(inGroup, Self.tapsOfRow / geometry.taps)) where inGroup % count == 0 {
        joined = count
      }
    }
    columns = (0..<joined).flatMap { c in
      (0..<down.filter).flatMap { u in offsets.map { c &* step.plane &+ u &* rowStep &+ $0 } }
    }
    rows = (1, 0)
    self.channels = (inGroup / joined, joined &* step.plane, joined &* steps.weights)
  }

  /// The window of a thread, which must not be used by two at a time; nil where none is needed.
  func makeWindow() -> PixelWindow<Sum.Factor>? {
    window.flatMap { _ in
      PixelWindow(geometry, planeStep: steps.image, rowCapacity: rowCapacity, lanes: kernel.lanes)
    }
  }

  /// Forms the rows `rows` of output planes that are sums over the same channels, from `image` on, into `values`, `planeStep`
  /// apart. Each has a start in `starts`; the first one's weights begin at `first`.
  func form(
    _ rows: Range<Int>, starts: UnsafeBufferPointer<Double>, weights first: Int,
    image: UnsafePointer<Sum.Factor>, _ window: PixelWindow<Sum.Factor>?, into values: ReferenceValues,
    planeStep: Int
  ) {
    var done = 0
    while done < starts.count {
      let left = starts.count &- done
      let blocks = (left &+ kernel.planes &- 1) / kernel.planes
      let planes = done..<done &+ (left &+ blocks &- 1) / blocks
      let these = UnsafeBufferPointer(rebasing: starts[planes])
      let place = first &+ done &* steps.planes
      if !formByKernel(rows, these, place, image, window, values.advanced(by: done &* planeStep), planeStep) {
        for plane in planes {
          formOneByOne(
            rows, weights.baseAddress.unsafelyUnwrapped + (first &+ plane &* steps.planes), image,
            starts[plane], values.advanced(by: plane &* planeStep))
        }
      }
      done = planes.upperBound
    }
  }

  /// Forms rows by the kernel; says whether the sums are good.
  private func formByKernel(
    _ outputs: Range<Int>, _ starts: UnsafeBufferPointer<Double>, _ first: Int,
    _ image: UnsafePointer<Sum.Factor>, _ window: PixelWindow<Sum.Factor>?, _ values: ReferenceValues,
    _ planeStep: Int
  ) -> Bool {
    guard let kernelWeights else { return false }
    let (down, along) = (geometry.rows, geometry.columns)
    let source =
      window?.pixels(of: outputs, in: image)
      ?? UnsafePointer(
        image
          + (down.pixel(output: outputs.lowerBound, tap: 0) &* along.image &+ along.pixel(output: 0, tap: 0)))
    let found = columns.withUnsafeBufferPointer { columns in
      kernel.form(
        rows: outputs.count, count: max(geometry.output.width, kernel.lanes),
        ReferenceTaps(
          planes: channels.count, rows: rows.count, columns: columns, planeStep: channels.step,
          rowStep: rows.step, outputStep: outputStep, weightStep: steps.planes,
          weightPlaneStep: channels.weightStep, weightRowStep: columns.count),
        source: source, weights: kernelWeights, from: first, starts: starts,
        into: ReferenceTarget(
          value: values.value, tail: values.tail, absolute: values.absolute, step: geometry.output.width,
          planeStep: planeStep))
    }
    return found.isEmpty || (found == .small && noneIsSmall)
  }

  /// Whether no product other than zero is below 2⁻¹²⁶, which matters to sums of float32 alone.
  private var noneIsSmall: Bool {
    func least(_ factors: UnsafeBufferPointer<Sum.Factor>) -> Double {
      precondition(Sum.Factor.precision == .single, "only magnitudes of float32 are summed in float32")
      let start = UnsafeRawPointer(factors.baseAddress.unsafelyUnwrapped).assumingMemoryBound(to: Float.self)
      return Scan.least(UnsafeBufferPointer(start: start, count: factors.count))
    }
    return staysNormal.withLock { known in
      let answer = known ?? (least(weights) * least(images) >= 0x1p-126)
      known = answer
      return answer
    }
  }

  /// Forms rows in plain sums, taps on padding left out.
  @inline(never)
  private func formOneByOne(
    _ outputs: Range<Int>, _ weights: UnsafePointer<Sum.Factor>, _ image: UnsafePointer<Sum.Factor>,
    _ start: Double, _ values: ReferenceValues
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
