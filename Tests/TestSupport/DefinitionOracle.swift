public import Convolution

/// One convolution's parameters, as a test chooses them, in the words of PyTorch.
public struct Parameters: Sendable {
  /// Rows and columns of the given image.
  public var image: Extent
  /// Rows and columns of the filter.
  public var filter: Extent
  /// Stride.
  public var stride: Extent
  /// Padding.
  public var padding: Padding
  /// Dilation.
  public var dilation: Extent
  /// Images.
  public var batch = 1
  /// Channels of the given image.
  public var inputs = 1
  /// Channels of the result.
  public var outputs = 1
  /// Groups; they divide both.
  public var groups = 1
  /// What stands on the padding.
  public var mode = PaddingMode.zeros
  /// Whether the filter is rotated first.
  public var flip = false
  /// Whether it is a transposed convolution.
  public var transposed = false
  /// Rows and columns more of a transposed result.
  public var outputPadding = Extent(0, 0)
  /// Dimensions of the image tensor: 4, or fewer where the missing ones are 1.
  public var imageRank = 2
  /// Dimensions of the filter tensor: 4, or 2 where all channels are 1.
  public var filterRank = 2

  /// Parameters of one image plane and one filter plane.
  public init(image: Extent, filter: Extent, stride: Extent, padding: Padding, dilation: Extent) {
    self.image = image
    self.filter = filter
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
  }

  /// The shape of the image tensor.
  public var imageShape: Shape { Self.shape([batch, inputs, image.height, image.width], rank: imageRank) }

  /// The shape of the filter tensor: outputs × inputs of a group, or the other way around where transposed.
  public var filterShape: Shape {
    let planes = transposed ? [inputs, outputs / groups] : [outputs, inputs / groups]
    return Self.shape(planes + [filter.height, filter.width], rank: filterRank)
  }

  private static func shape(_ extents: [Int], rank: Int) -> Shape {
    precondition(extents.dropLast(rank).allSatisfy { $0 == 1 }, "a dimension that is not 1 is left out")
    var shape = Shape()
    for extent in extents.suffix(rank) { shape.append(extent) }
    return shape
  }

  /// The same parameters as the library takes them.
  public var options: ConvolutionOptions {
    ConvolutionOptions(
      stride: stride, padding: .sides(padding), paddingMode: mode, dilation: dilation, groups: groups,
      flip: flip,
      transposed: transposed, outputPadding: transposed ? outputPadding : nil)
  }

  /// One line of JSON with which `POST /convolve` repeats the case, or `POST /gradients` where there is an upstream.
  public func reproduction<Scalar>(
    _ image: [Scalar], _ filter: [Scalar], bias: [Scalar] = [],
    upstream: (values: [Scalar], shape: Shape)? = nil,
    _ formulation: Formulation, _ storage: Storage
  ) -> String {
    var more = ""
    if !bias.isEmpty { more += ",\"bias\":[" + bias.map { "\($0)" }.joined(separator: ",") + "]" }
    if let upstream { more += ",\"upstream\":" + Self.nested(upstream.values[...], upstream.shape) }
    if mode != .zeros { more += ",\"padding_mode\":\"\(mode.rawValue)\"" }
    if groups != 1 { more += ",\"groups\":\(groups)" }
    if flip { more += ",\"flip\":true" }
    if transposed {
      more += ",\"transposed\":true,\"output_padding\":[\(outputPadding.height),\(outputPadding.width)]"
    }
    return """
      {"image":\(Self.nested(image[...], imageShape)),"filter":\(Self.nested(filter[...], filterShape)),\
      "formulation":"\(formulation.rawValue)","storage":"\(storage.rawValue)",\
      "stride":[\(stride.height),\(stride.width)],\
      "padding":[\(padding.top),\(padding.left),\(padding.bottom),\(padding.right)],\
      "dilation":[\(dilation.height),\(dilation.width)]\(more)}
      """
  }

  private static func nested<Scalar>(_ values: ArraySlice<Scalar>, _ shape: Shape, axis: Int = 0) -> String {
    if axis == shape.rank { return "\(values[values.startIndex])" }
    let size = values.count / shape[axis]
    let parts = (0..<shape[axis]).map {
      nested(values.dropFirst($0 * size).prefix(size), shape, axis: axis + 1)
    }
    return "[" + parts.joined(separator: ",") + "]"
  }
}

/// One product of the definition: `weight · pixel` is a term of `result`; each number counts the elements of its tensor
/// in row-major order.
public struct Term: Hashable, Sendable {
  /// The element of the result.
  public var result: Int
  /// The element of the filter, as it was given.
  public var weight: Int
  /// The element of the given image.
  public var pixel: Int
}

/// All products of the definition, and the result's rows and columns, written without any part of the library; nil where
/// the sizes don't fit.
public func terms(_ p: Parameters) -> (terms: [Term], height: Int, width: Int)? {
  guard
    let rows = line(
      p, p.image.height, p.filter.height, p.stride.height, p.dilation.height, p.padding.top, p.padding.bottom,
      p.outputPadding.height),
    let columns = line(
      p, p.image.width, p.filter.width, p.stride.width, p.dilation.width, p.padding.left, p.padding.right,
      p.outputPadding.width)
  else { return nil }
  var terms: [Term] = []
  let (inputsOfGroup, outputsOfGroup) = (p.inputs / p.groups, p.outputs / p.groups)
  for n in 0..<p.batch {
    for k in 0..<p.outputs {
      for c in 0..<p.inputs where c / inputsOfGroup == k / outputsOfGroup {
        let plane =
          p.transposed ? c * outputsOfGroup + k % outputsOfGroup : k * inputsOfGroup + c % inputsOfGroup
        for (a, u, i) in rows.terms {
          for (b, v, j) in columns.terms {
            let (u, v) = p.flip ? (p.filter.height - 1 - u, p.filter.width - 1 - v) : (u, v)
            terms.append(
              Term(
                result: ((n * p.outputs + k) * rows.count + a) * columns.count + b,
                weight: (plane * p.filter.height + u) * p.filter.width + v,
                pixel: ((n * p.inputs + c) * p.image.height + i) * p.image.width + j))
          }
        }
      }
    }
  }
  return (terms, rows.count, columns.count)
}

/// Along one axis: which tap joins which pixel to which result.
private func line(
  _ p: Parameters, _ pixels: Int, _ taps: Int, _ step: Int, _ dilation: Int, _ before: Int, _ after: Int,
  _ outputPadding: Int
) -> (terms: [(Int, Int, Int)], count: Int)? {
  var terms: [(Int, Int, Int)] = []
  let span = (taps - 1) * dilation + 1
  if p.transposed {
    let count = (pixels - 1) * step - before - after + span + outputPadding
    if count < 1 || outputPadding >= max(step, dilation) { return nil }
    // Every pixel is spread over the taps, each a step from the last one's.
    for pixel in 0..<pixels {
      for tap in 0..<taps {
        let result = pixel * step + tap * dilation - before
        if result >= 0 && result < count { terms.append((result, tap, pixel)) }
      }
    }
    return (terms, count)
  }
  // The padded line, a pixel's number or nil for a zero at each place.
  var padded: [Int?] = Array(0..<pixels)
  switch p.mode {
  case .zeros: padded = [Int?](repeating: nil, count: before) + padded + [Int?](repeating: nil, count: after)
  case .replicate:
    padded = [Int?](repeating: 0, count: before) + padded + [Int?](repeating: pixels - 1, count: after)
  case .circular:
    if before > pixels || after > pixels { return nil }
    padded = padded.suffix(before) + padded + padded.prefix(after)
  case .reflect:
    if before >= pixels || after >= pixels { return nil }
    padded =
      padded.dropFirst().prefix(before).reversed() + padded + padded.dropLast().suffix(after).reversed()
  }
  if span > padded.count { return nil }
  let starts = Array(stride(from: 0, through: padded.count - span, by: step))
  for (result, start) in starts.enumerated() {
    for tap in 0..<taps {
      if let pixel = padded[start + tap * dilation] { terms.append((result, tap, pixel)) }
    }
  }
  return (terms, starts.count)
}

/// The result by the definition; nil where the sizes don't fit.
public func definition<Scalar: AdditiveArithmetic>(
  _ image: [Scalar], _ filter: [Scalar], bias: [Scalar] = [], _ p: Parameters,
  multiply: (Scalar, Scalar) -> Scalar
) -> (output: [Scalar], height: Int, width: Int)? {
  guard let (terms, height, width) = terms(p) else { return nil }
  var output = [Scalar](repeating: .zero, count: p.batch * p.outputs * height * width)
  if !bias.isEmpty {
    for index in output.indices { output[index] = bias[index / (height * width) % p.outputs] }
  }
  for term in terms { output[term.result] += multiply(filter[term.weight], image[term.pixel]) }
  return (output, height, width)
}
