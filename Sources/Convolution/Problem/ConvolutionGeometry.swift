/// The shape of a convolution without its numbers, valid by construction: every way to compute it, and every
/// cost, follows from these few integers.
///
/// It describes the linear map `A` from images to outputs,
///
///     y[n,k,a,b] = Σ_c Σ_u Σ_v w[k,c,u,v] · x[n,c, a·s + u·d − p, b·s + v·d − p],
///
/// `c` over the channels of `k`'s group: the cross-correlation of `torch.conv2d`. Where `isTransposed`, the
/// problem is `Aᵀ` of that map: what it is given has the shape of `A`'s outputs, and its result the shape of
/// `A`'s images.
public struct ConvolutionGeometry: Hashable, Sendable {
  /// The meeting of the rows.
  public let rows: AxisGeometry
  /// The meeting of the columns.
  public let columns: AxisGeometry
  /// The planes.
  public let channels: ChannelGeometry
  /// Whether the problem is the transposed map.
  public let isTransposed: Bool
  /// The dimensions of the given image and of the result: 2, 3 or 4.
  let ranks: (image: Int, result: Int)

  /// The most output elements where a caller sets no limit: 1 GiB of float64.
  public static var defaultOutputLimit: Int { 1 << 27 }

  /// A checked geometry. Nothing is allocated, whatever the numbers are.
  ///
  /// - Parameters:
  ///   - image: H×W, C×H×W or N×C×H×W of what the problem is given.
  ///   - filter: kh×kw, or K×C/g×kh×kw, where `A` has K outputs and C image channels; a transposed problem is given K
  ///     channels and makes C, as in PyTorch.
  /// - Throws: the first rule of `ConvolutionError` that is broken.
  public init(
    image: Shape, filter: Shape, options: ConvolutionOptions = ConvolutionOptions(),
    maximumOutputElements: Int = ConvolutionGeometry.defaultOutputLimit
  ) throws(ConvolutionError) {
    if !(2...4).contains(image.rank) { throw .wrongRank(field: .image, rank: image.rank) }
    if filter.rank != 2 && filter.rank != 4 { throw .wrongRank(field: .filter, rank: filter.rank) }
    channels = try ChannelGeometry(image: image, filter: filter, options)
    let plane = Extent(image[image.rank - 2], image[image.rank - 1])
    let taps = Extent(filter[filter.rank - 2], filter[filter.rank - 1])
    try Self.check(plane, taps, options)
    isTransposed = options.transposed
    rows = try Self.axis(.height, plane, taps, options)
    columns = try Self.axis(.width, plane, taps, options)
    ranks = (image.rank, image.rank == 2 && filter.rank == 4 ? 3 : image.rank)
    let elements = resultElementCount
    if elements > maximumOutputElements {
      throw .resultTooLarge(elements: elements, limit: maximumOutputElements)
    }
  }

  /// A checked geometry of one image plane and one filter plane.
  ///
  /// - Throws: as the general one.
  public init(
    image: Extent, filter: Extent, options: ConvolutionOptions = ConvolutionOptions(),
    maximumOutputElements: Int = ConvolutionGeometry.defaultOutputLimit
  ) throws(ConvolutionError) {
    try self.init(
      image: Shape(image.height, image.width), filter: Shape(filter.height, filter.width), options: options,
      maximumOutputElements: maximumOutputElements)
  }

  private init(
    rows: AxisGeometry, columns: AxisGeometry, channels: ChannelGeometry, isTransposed: Bool,
    ranks: (image: Int, result: Int)
  ) {
    self.rows = rows
    self.columns = columns
    self.channels = channels
    self.isTransposed = isTransposed
    self.ranks = ranks
  }

  /// The same map from images whose padding already stands around them.
  public var padded: ConvolutionGeometry {
    ConvolutionGeometry(
      rows: rows.padded, columns: columns.padded, channels: channels, isTransposed: isTransposed, ranks: ranks
    )
  }

  /// The same map along one axis alone: of images that are one column, or one row, by filters of the same form.
  package func along(_ axis: Axis) -> ConvolutionGeometry {
    let single = AxisGeometry.single(paddingMode)
    return ConvolutionGeometry(
      rows: axis == .height ? rows : single, columns: axis == .width ? columns : single, channels: .single,
      isTransposed: isTransposed, ranks: (2, 2))
  }

  /// The transposed map as a convolution of what stands at the outputs, spread by the stride with zeros in between, by the
  /// filters turned round, output and image channels exchanged. The padding must be zeros.
  package var turned: ConvolutionGeometry {
    ConvolutionGeometry(
      rows: rows.turned, columns: columns.turned,
      channels: ChannelGeometry(
        batch: channels.batch, image: channels.output, output: channels.image, groups: channels.groups),
      isTransposed: false, ranks: (4, 4))
  }

  /// The filter's gradient as a convolution of each image channel, the batch being the channels, by what stands at the
  /// outputs, as though one group met every output channel.
  package var contractedToTaps: ConvolutionGeometry {
    ConvolutionGeometry(
      rows: rows.contractedToTaps, columns: columns.contractedToTaps,
      channels: ChannelGeometry(
        batch: channels.imagePerGroup, image: channels.batch, output: channels.output, groups: 1),
      isTransposed: false, ranks: (4, 4))
  }

  /// What stands on the padding.
  public var paddingMode: PaddingMode { rows.mode }
  /// Rows and columns of `A`'s images.
  public var image: Extent { Extent(rows.image, columns.image) }
  /// Rows and columns of the filter.
  public var filter: Extent { Extent(rows.filter, columns.filter) }
  /// Rows and columns of `A`'s outputs.
  public var output: Extent { Extent(rows.output, columns.output) }
  /// Pixels from one output to the next.
  public var stride: Extent { Extent(rows.stride, columns.stride) }
  /// Pixels from one tap to the next.
  public var dilation: Extent { Extent(rows.dilation, columns.dilation) }
  /// Padding on each side of the image.
  public var padding: Padding {
    Padding(top: rows.before, left: columns.before, bottom: rows.after, right: columns.after)
  }
  /// The taps of one filter plane: `kh · kw`.
  public var taps: Int { filter.elementCount }
  /// The weights of all filters: `K · C/g · kh · kw`.
  public var weights: Int { saturatingProduct(channels.output, channels.imagePerGroup, taps) }

  /// The most products in one element of the result.
  public var terms: Int {
    if !isTransposed { return saturatingProduct(channels.imagePerGroup, taps) }
    return saturatingProduct(channels.outputPerGroup, rows.tapsPerPixel, columns.tapsPerPixel)
  }

  /// Elements of all of `A`'s images, or `Int.max` where that overflows.
  public var imageElementCount: Int { saturatingProduct(channels.batch, channels.image, image.elementCount) }
  /// Elements of all of `A`'s outputs, or `Int.max` where that overflows.
  public var outputElementCount: Int {
    saturatingProduct(channels.batch, channels.output, output.elementCount)
  }
  /// Elements of the result, or `Int.max` where that overflows.
  public var resultElementCount: Int { isTransposed ? imageElementCount : outputElementCount }
  /// Channels of the result: the elements of a bias.
  public var resultChannels: Int { isTransposed ? channels.image : channels.output }

  /// The shape that the problem's image has.
  public var imageShape: Shape {
    isTransposed
      ? shape(channels.output, output, rank: ranks.image) : shape(channels.image, image, rank: ranks.image)
  }
  /// The shape of the result: with as many dimensions as the image; a matrix whose filter has four gives
  /// three.
  public var resultShape: Shape {
    isTransposed
      ? shape(channels.image, image, rank: ranks.result) : shape(channels.output, output, rank: ranks.result)
  }

  private func shape(_ channels: Int, _ plane: Extent, rank: Int) -> Shape {
    var shape = Shape()
    if rank == 4 { shape.append(self.channels.batch) }
    if rank >= 3 { shape.append(channels) }
    shape.append(plane.height)
    shape.append(plane.width)
    return shape
  }

  /// Two geometries are equal when they are the same map between tensors of the same shapes.
  public static func == (left: Self, right: Self) -> Bool {
    left.rows == right.rows && left.columns == right.columns && left.channels == right.channels
      && left.isTransposed == right.isTransposed && left.ranks == right.ranks
  }

  /// Hashes what equality compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(rows)
    hasher.combine(columns)
    hasher.combine(channels)
    hasher.combine(isTransposed)
    hasher.combine(ranks.image)
    hasher.combine(ranks.result)
  }
}

extension ConvolutionGeometry {
  private static func check(
    _ image: Extent, _ filter: Extent, _ options: ConvolutionOptions
  ) throws(ConvolutionError) {
    for axis in Axis.allCases {
      if image[axis] < 1 { throw .emptyDimension(field: .image, axis: axis) }
      if filter[axis] < 1 { throw .emptyDimension(field: .filter, axis: axis) }
      if options.stride[axis] < 1 {
        throw .notPositive(field: .stride, axis: axis, value: options.stride[axis])
      }
      if options.dilation[axis] < 1 {
        throw .notPositive(field: .dilation, axis: axis, value: options.dilation[axis])
      }
      if let more = options.outputPadding?[axis], more < 0 {
        throw .notPositive(field: .outputPadding, axis: axis, value: more)
      }
      if let wanted = options.outputShape?[axis], wanted < 1 {
        throw .notPositive(field: .outputShape, axis: axis, value: wanted)
      }
      let (more, wanted) = (options.outputPadding?[axis] ?? 0, options.outputShape?[axis] ?? 1)
      let (stride, dilation) = (options.stride[axis], options.dilation[axis])
      let largest = max(max(image[axis], filter[axis]), max(stride, dilation), max(more, wanted))
      // Which of them it is is asked only where one is too large: this stands in the way of every request.
      if largest > AxisGeometry.maximumExtent {
        let sizes: [(ConvolutionError.Field, Int)] = [
          (.image, image[axis]), (.filter, filter[axis]), (.stride, stride), (.dilation, dilation),
          (.outputPadding, more), (.outputShape, wanted),
        ]
        for (field, value) in sizes where value > AxisGeometry.maximumExtent {
          throw .parameterTooLarge(
            field: field, axis: axis, value: value, limit: AxisGeometry.maximumExtent)
        }
      }
    }
    if case .sides(let padding)? = options.padding {
      for side in Padding.Side.allCases where padding[side] < 0 {
        throw .negativePadding(side: side, value: padding[side])
      }
      for axis in Axis.allCases {
        let (before, after) = padding.sides(axis)
        try AxisGeometry.check(padding: before, after, axis)
      }
    }
    if options.transposed {
      if options.paddingMode != .zeros { throw .transposedPaddingMode(options.paddingMode) }
      if options.padding == .same { throw .samePaddingTransposed }
    } else {
      if options.outputPadding != nil { throw .transposedOnly(field: .outputPadding) }
      if options.outputShape != nil { throw .transposedOnly(field: .outputShape) }
      if options.padding == .same, options.stride != Extent(1, 1) {
        throw .samePaddingWithStride(stride: options.stride)
      }
    }
  }

  private static func axis(
    _ axis: Axis, _ image: Extent, _ filter: Extent, _ options: ConvolutionOptions
  ) throws(ConvolutionError) -> AxisGeometry {
    let (image, filter) = (image[axis], filter[axis])
    let (stride, dilation) = (options.stride[axis], options.dilation[axis])
    if options.transposed {
      let (before, after, outputPadding) = try transposedPadding(axis, image, filter, options)
      return try AxisGeometry(
        axis: axis, transposing: image, filter: filter, stride: stride, dilation: dilation, before: before,
        after: after, outputPadding: outputPadding)
    }
    let reach = dilation * (filter - 1)
    // Rounded up: as many outputs as steps begin within the image.
    let steps = (image - 1) / stride
    let same = max(0, steps * stride + reach + 1 - image)
    let (before, after): (Int, Int)
    switch options.padding {
    case nil, .valid: (before, after) = (0, 0)
    case .sides(let padding): (before, after) = padding.sides(axis)
    case .same, .sameUpper: (before, after) = (same / 2, same - same / 2)
    case .sameLower: (before, after) = (same - same / 2, same / 2)
    }
    return try AxisGeometry(
      axis: axis, image: image, filter: filter, stride: stride, dilation: dilation, before: before,
      after: after,
      mode: options.paddingMode)
  }

  /// The padding of a transposed axis that is given `input` elements (ONNX operator ConvTranspose; PyTorch's
  /// `output_size` where the padding is given in numbers).
  private static func transposedPadding(
    _ axis: Axis, _ input: Int, _ filter: Int, _ options: ConvolutionOptions
  ) throws(ConvolutionError) -> (before: Int, after: Int, outputPadding: Int) {
    let (stride, dilation) = (options.stride[axis], options.dilation[axis])
    let outputPadding = options.outputPadding?[axis] ?? 0
    let natural = (input - 1) * stride + dilation * (filter - 1) + 1
    var wanted = options.outputShape?[axis]
    switch options.padding {
    case .sides(let padding):
      let (before, after) = padding.sides(axis)
      guard let wanted else { return (before, after, outputPadding) }
      if options.outputPadding != nil { throw .outputPaddingWithShape }
      let least = natural - before - after
      let most = least + max(stride, dilation) - 1
      if wanted < least || wanted > most {
        throw .outputShapeOutOfRange(axis: axis, value: wanted, least: max(1, least), most: most)
      }
      return (before, after, wanted - least)
    case .sameUpper, .sameLower: wanted = wanted ?? input * stride
    case nil, .valid, .same: break
    }
    guard let wanted else { return (0, 0, outputPadding) }
    let most = natural + max(stride, dilation) - 1
    if wanted > most { throw .outputShapeOutOfRange(axis: axis, value: wanted, least: 1, most: most) }
    let total = natural + outputPadding - wanted
    if total < 0 { return (0, 0, outputPadding - total) }
    let (less, more) = (total / 2, total - total / 2)
    return options.padding == .sameUpper ? (less, more, outputPadding) : (more, less, outputPadding)
  }
}

extension ChannelGeometry {
  /// The planes of an image and a filter that fit each other in `options.groups` groups.
  ///
  /// - Throws: `emptyDimension`, `notPositive`, `groupsDoNotDivide` or `channelMismatch`.
  init(image: Shape, filter: Shape, _ options: ConvolutionOptions) throws(ConvolutionError) {
    let given = image.rank >= 3 ? image[image.rank - 3] : 1
    let (filters, planes) = filter.rank == 4 ? (filter[0], filter[1]) : (1, 1)
    let groups = options.groups
    batch = image.rank == 4 ? image[0] : 1
    if batch < 1 || given < 1 { throw .emptyDimension(field: .image, axis: nil) }
    if filters < 1 || planes < 1 { throw .emptyDimension(field: .filter, axis: nil) }
    if groups < 1 { throw .notPositive(field: .groups, axis: nil, value: groups) }
    if filters % groups != 0 { throw .groupsDoNotDivide(filters: filters, groups: groups) }
    let expected = options.transposed ? filters : saturatingProduct(planes, groups)
    if given != expected {
      throw .channelMismatch(
        image: given, filters: filters, planes: planes, groups: groups, transposed: options.transposed)
    }
    // A product that overflows equals no number of channels; a transposed result's must be caught here.
    let produced = saturatingProduct(planes, groups)
    if options.transposed, produced == .max { throw .resultTooLarge(elements: .max, limit: .max - 1) }
    self.image = produced
    output = filters
    self.groups = groups
  }
}
