import Convolution
import TestSupport
import Testing

@Suite struct ErrorTests {
  func geometry(
    _ image: Extent = Extent(5, 6), _ filter: Extent = Extent(2, 3), stride: Extent = Extent(1, 1),
    padding: PaddingRule = .valid, dilation: Extent = Extent(1, 1), limit: Int = 1 << 20
  ) throws(ConvolutionError) -> ConvolutionGeometry {
    try ConvolutionGeometry(
      image: image, filter: filter,
      options: ConvolutionOptions(stride: stride, padding: padding, dilation: dilation),
      maximumOutputElements: limit)
  }

  @Test("an empty image or filter is refused by name and axis")
  func empty() {
    #expect(throws: ConvolutionError.emptyDimension(field: .image, axis: .height)) {
      try geometry(Extent(0, 6))
    }
    #expect(throws: ConvolutionError.emptyDimension(field: .filter, axis: .width)) {
      try geometry(Extent(5, 6), Extent(2, 0))
    }
  }

  @Test("a stride or dilation below 1 is refused with its value")
  func notPositive() {
    #expect(throws: ConvolutionError.notPositive(field: .stride, axis: .width, value: 0)) {
      try geometry(stride: Extent(1, 0))
    }
    #expect(throws: ConvolutionError.notPositive(field: .dilation, axis: .height, value: -3)) {
      try geometry(dilation: Extent(-3, 1))
    }
    #expect(throws: ConvolutionError.notPositive(field: .stride, axis: .height, value: .min)) {
      try geometry(stride: Extent(.min, 1))
    }
  }

  @Test("negative padding is refused with its side")
  func negativePadding() {
    #expect(throws: ConvolutionError.negativePadding(side: .bottom, value: -1)) {
      try geometry(padding: .sides(Padding(top: 0, left: 0, bottom: -1, right: 0)))
    }
  }

  @Test("same padding with a stride is refused")
  func samePadding() {
    #expect(throws: ConvolutionError.samePaddingWithStride(stride: Extent(1, 2))) {
      try geometry(stride: Extent(1, 2), padding: .same)
    }
  }

  @Test("a filter larger than the padded image is refused with both extents")
  func filterTooLarge() {
    #expect(throws: ConvolutionError.filterExceedsImage(axis: .width, extent: 7, paddedExtent: 6)) {
      try geometry(Extent(5, 6), Extent(1, 4), dilation: Extent(1, 2))
    }
  }

  @Test("numbers near the end of Int are refused, not computed with")
  func overflow() {
    let limit = AxisGeometry.maximumExtent
    #expect(
      throws: ConvolutionError.parameterTooLarge(field: .stride, axis: .height, value: .max, limit: limit)
    ) {
      try geometry(stride: Extent(.max, 1))
    }
    #expect(
      throws: ConvolutionError.parameterTooLarge(field: .dilation, axis: .width, value: .max, limit: limit)
    ) {
      try geometry(padding: .same, dilation: Extent(1, .max))
    }
    #expect(
      throws: ConvolutionError.parameterTooLarge(field: .padding, axis: .width, value: .max, limit: limit)
    ) {
      try geometry(padding: .sides(Padding(top: 0, left: .max, bottom: 0, right: .max)))
    }
    #expect(throws: ConvolutionError.resultTooLarge(elements: .max, limit: 1 << 20)) {
      try geometry(
        padding: .sides(Padding(top: limit, left: limit, bottom: limit, right: limit)))
    }
    #expect(
      throws: ConvolutionError.filterExceedsImage(
        axis: .height, extent: limit * (limit - 1) + 1, paddedExtent: 5)
    ) { try geometry(Extent(5, 6), Extent(limit, 1), dilation: Extent(limit, 1)) }
  }

  @Test("a result above the limit is refused with its size")
  func resultTooLarge() throws {
    #expect(throws: ConvolutionError.resultTooLarge(elements: 16, limit: 15)) { try geometry(limit: 15) }
    #expect(try geometry(limit: 16).output == Extent(4, 4))
  }

  @Test("the dense operator of 256² with 3×3 is refused with its 16.91 GB, and sparse storage named")
  func operatorTooLarge() throws {
    let geometry = try geometry(Extent(256, 256), Extent(3, 3))
    let filter = Tensor<Float>(shape: Shape(3, 3), repeating: 1)
    let expected = ConvolutionError.operatorTooLarge(
      formulation: .toeplitz, storage: .dense, bytes: 16_912_482_304, limit: 1 << 30, fits: .sparse)
    #expect(throws: expected) {
      _ = try Formulation.toeplitz.makeOperator(
        storage: .dense, geometry: geometry, filter: filter, memoryLimit: 1 << 30)
    }
    #expect(expected.description.contains("16912482304 bytes"))
    #expect(expected.description.contains("\"sparse\""))
    let work = ConvolutionError.tooMuchWork(
      formulation: .direct, storage: .sparse, multiplyAdds: 580_644, limit: 580_643)
    #expect(throws: work) {
      _ = try Formulation.direct.makeOperator(
        storage: .sparse, geometry: geometry, filter: filter, workLimit: 580_643)
    }
    #expect(throws: ConvolutionError.unsupportedStorage(formulation: .direct, storage: .dense)) {
      _ = try Formulation.direct.makeOperator(storage: .dense, geometry: geometry, filter: filter)
    }
  }

  /// The error of a geometry, as a case and as its text.
  func expect(
    _ error: ConvolutionError, _ field: ConvolutionError.Field, _ text: String, image: Shape = Shape(5, 6),
    filter: Shape = Shape(2, 3), _ options: ConvolutionOptions = ConvolutionOptions()
  ) {
    #expect(throws: error) {
      _ = try ConvolutionGeometry(
        image: image, filter: filter, options: options, maximumOutputElements: 1 << 20)
    }
    #expect(error.description == text)
    #expect(error.field == field)
  }

  func shape(_ extents: Int...) -> Shape {
    var shape = Shape()
    for extent in extents { shape.append(extent) }
    return shape
  }

  @Test("tensors of other ranks and without planes are refused")
  func ranks() {
    expect(
      .wrongRank(field: .image, rank: 1), .image,
      "The image has 1 dimension; 2 to 4 are expected: height and width, channels before them, the batch before those.",
      image: shape(7))
    expect(
      .wrongRank(field: .filter, rank: 3), .filter,
      "The filter has 3 dimensions; 2 (height and width) or 4 (output channels, image channels of a group, height, width) "
        + "are expected.", filter: shape(1, 2, 2))
    expect(
      .emptyDimension(field: .image, axis: nil), .image, "The image is empty: one of its extents is 0.",
      image: shape(0, 1, 5, 6))
    expect(
      .emptyDimension(field: .image, axis: .width), .image, "The image is empty: its width is 0.",
      image: shape(3, 0))
    expect(
      .emptyDimension(field: .filter, axis: nil), .filter, "The filter is empty: one of its extents is 0.",
      filter: shape(0, 1, 2, 2))
  }

  @Test("channels, filters and groups that don't fit are refused with what would fit")
  func channels() {
    expect(
      .channelMismatch(image: 4, filters: 6, planes: 2, groups: 1, transposed: false), .filter,
      "The image has 4 channels, and the filter takes 2; groups 2 would fit.", image: shape(4, 5, 6),
      filter: shape(6, 2, 2, 2))
    expect(
      .channelMismatch(image: 6, filters: 4, planes: 4, groups: 2, transposed: false), .filter,
      "The image has 6 channels, and the filter takes 4 in each of 2 groups, 8 in all; a filter of 3 planes would fit.",
      image: shape(6, 5, 6), filter: shape(4, 4, 2, 2), ConvolutionOptions(groups: 2))
    expect(
      .channelMismatch(image: 1, filters: 4, planes: 2, groups: 2, transposed: false), .filter,
      "The image has 1 channel, and the filter takes 2 in each of 2 groups, 4 in all.",
      filter: shape(4, 2, 2, 2),
      ConvolutionOptions(groups: 2))
    expect(
      .channelMismatch(image: 3, filters: 2, planes: 3, groups: 1, transposed: true), .filter,
      "The image has 3 channels, and the transposed filter takes 2, its first extent; they must be the same.",
      image: shape(3, 5, 6), filter: shape(2, 3, 2, 2), ConvolutionOptions(transposed: true))
    expect(
      .groupsDoNotDivide(filters: 3, groups: 2), .groups,
      "The filter has 3 output channels, which 2 groups do not divide.", image: shape(2, 5, 6),
      filter: shape(3, 1, 2, 2), ConvolutionOptions(groups: 2))
    expect(
      .notPositive(field: .groups, axis: nil, value: 0), .groups,
      "The number of groups is 0; it must be at least 1.",
      ConvolutionOptions(groups: 0))
  }

  @Test("a bias of neither one number nor one a channel is refused")
  func bias() {
    for (count, channels, text) in [
      (
        2, 3,
        "The bias has 2 numbers, and the result 3 channels; one number, or 3, one for each channel, are expected."
      ),
      (2, 1, "The bias has 2 numbers, and the result 1 channel; one number is expected."),
    ] {
      let error = ConvolutionError.biasLength(count, channels: channels)
      #expect(throws: error) {
        _ = try ConvolutionProblem(
          image: Tensor<Float>([[1, 2], [3, 4]]),
          filter: Tensor<Float>(shape: Shape(channels, 1, 1, 1), repeating: 1),
          bias: Tensor<Float>(shape: Shape(count), repeating: 1))
      }
      #expect(error.description == text && error.field == .bias)
    }
    #expect(throws: ConvolutionError.biasLength(4, channels: 4)) {
      _ = try ConvolutionProblem(
        image: Tensor<Float>([[1]]), filter: Tensor<Float>(shape: Shape(4, 1, 1, 1), repeating: 1),
        bias: Tensor<Float>(shape: Shape(2, 2), repeating: 1))
    }
  }

  @Test("padding that the image can't fill is refused with the most it can")
  func paddingModes() {
    func options(_ mode: PaddingMode, top: Int = 0, right: Int = 0) -> ConvolutionOptions {
      ConvolutionOptions(
        padding: .sides(Padding(top: top, left: 0, bottom: 0, right: right)), paddingMode: mode)
    }
    expect(
      .paddingExceedsImage(mode: .reflect, side: .top, value: 5, limit: 4), .padding,
      "The top padding is 5; an image of this size has at most 4 to fill it with in mode \"reflect\".",
      options(.reflect, top: 5))
    expect(
      .paddingExceedsImage(mode: .circular, side: .right, value: 7, limit: 6), .padding,
      "The right padding is 7; an image of this size has at most 6 to fill it with in mode \"circular\".",
      options(.circular, right: 7))
    for (mode, top) in [(PaddingMode.reflect, 4), (.circular, 5), (.replicate, 1000)] {
      #expect(throws: Never.self) {
        _ = try ConvolutionGeometry(image: Shape(5, 6), filter: Shape(2, 3), options: options(mode, top: top))
      }
    }
  }

  @Test("what is not defined for transposed convolutions, or only for them, is refused")
  func transposed() {
    func options(_ change: (inout ConvolutionOptions) -> Void) -> ConvolutionOptions {
      var options = ConvolutionOptions(transposed: true)
      change(&options)
      return options
    }
    expect(
      .transposedPaddingMode(.circular), .paddingMode,
      "A transposed convolution has zeros on its padding; padding_mode \"circular\" is not defined for it.",
      options { $0.paddingMode = .circular })
    expect(
      .samePaddingTransposed, .padding,
      "Padding \"same\" is not defined for a transposed convolution; \"same_upper\" and \"same_lower\" are.",
      options { $0.padding = .same })
    expect(
      .transposedOnly(field: .outputPadding), .outputPadding,
      "The output padding is defined for transposed convolutions only; set \"transposed\": true or leave it out.",
      ConvolutionOptions(outputPadding: Extent(0, 0)))
    expect(
      .transposedOnly(field: .outputShape), .outputShape,
      "The output shape is defined for transposed convolutions only; set \"transposed\": true or leave it out.",
      ConvolutionOptions(outputShape: Extent(4, 4)))
    expect(
      .outputPaddingTooLarge(axis: .width, value: 3, limit: 2), .outputPadding,
      "The output padding along the width is 3; it must be below the stride or below the dilation, at most 2.",
      options {
        $0.stride = Extent(1, 3)
        $0.outputPadding = Extent(0, 3)
      })
    expect(
      .notPositive(field: .outputPadding, axis: .height, value: -1), .outputPadding,
      "The output padding along the height is -1; it must be at least 0.",
      options { $0.outputPadding = Extent(-1, 0) })
    expect(
      .notPositive(field: .outputShape, axis: .width, value: 0), .outputShape,
      "The output shape along the width is 0; it must be at least 1.",
      options { $0.outputShape = Extent(3, 0) })
    expect(
      .outputPaddingWithShape, .outputPadding,
      "The output shape and padding in numbers already say the output padding; leave out output_padding, output_shape, or "
        + "padding.",
      options {
        $0.padding = .sides(.none)
        $0.outputPadding = Extent(0, 0)
        $0.outputShape = Extent(6, 8)
      })
    // 5 rows spread by stride 2 over 2 taps reach 10; one more can be asked for.
    expect(
      .outputShapeOutOfRange(axis: .height, value: 12, least: 10, most: 11), .outputShape,
      "The output shape asks for the height 12; 10 to 11 can be reached.",
      options {
        $0.stride = Extent(2, 1)
        $0.padding = .sides(.none)
        $0.outputShape = Extent(12, 8)
      })
    expect(
      .outputShapeOutOfRange(axis: .width, value: 9, least: 1, most: 8), .outputShape,
      "The output shape asks for the width 9; 1 to 8 can be reached.",
      options { $0.outputShape = Extent(6, 9) })
    expect(
      .paddingExceedsResult(axis: .height, padding: 6, limit: 5), .padding,
      "The padding takes 6 from the height of the transposed result and leaves nothing; at most 5 would leave something.",
      options { $0.padding = .sides(Padding(vertical: 3, horizontal: 0)) })
  }

  @Test("sizes near the end of Int end in an error or a geometry, never in a trap")
  func hugeNumbers() {
    var random = SeededNumbers(seed: 77)
    let sizes = [1, 2, 3, 1 << 15, 1 << 31 - 1, 1 << 31, 1 << 40, 1 << 62, .max - 1, .max]
    let signed = sizes + [0, -1, .min, .min + 1]
    func size() -> Int { sizes[random.integer(0...sizes.count - 1)] }
    func any() -> Int {
      random.integer(0...3) == 0 ? signed[random.integer(0...signed.count - 1)] : random.integer(1...4)
    }
    var refused = 0
    for _ in 0..<50_000 {
      let sides = Padding(top: any(), left: any(), bottom: any(), right: any())
      let rules: [PaddingRule?] = [nil, .sides(sides), .same, .sameUpper, .sameLower, .valid]
      let transposed = random.integer(0...1) == 0
      let options = ConvolutionOptions(
        stride: Extent(any(), any()), padding: rules[random.integer(0...5)],
        paddingMode: random.integer(0...1) == 0 ? .zeros : PaddingMode.allCases[random.integer(0...3)],
        dilation: Extent(any(), any()), groups: any(), transposed: transposed,
        outputPadding: transposed && random.integer(0...1) == 0 ? Extent(any(), any()) : nil,
        outputShape: transposed && random.integer(0...1) == 0 ? Extent(any(), any()) : nil)
      let channels = any()
      let image = shape(any(), channels, random.integer(0...1) == 0 ? size() : 9, size())
      let filter = shape(transposed ? channels : any(), transposed ? any() : channels, any(), any())
      do {
        let geometry = try ConvolutionGeometry(
          image: image, filter: filter, options: options, maximumOutputElements: .max)
        #expect(geometry.terms >= 1)
        for formulation in Formulation.allCases {
          for storage in formulation.storages {
            let cost = formulation.cost(of: geometry, storage: storage, scalarByteCount: 8)
            #expect(cost.heldBytes >= cost.bytes && cost.multiplyAdds >= 0)
            if formulation.hasGradients {
              let both = formulation.gradientCost(of: geometry, storage: storage, scalarByteCount: 8)
              #expect(both.heldBytes >= cost.heldBytes)
            }
          }
        }
      } catch {
        refused += 1
        #expect(error.description.hasSuffix("."))
      }
    }
    #expect(refused > 10_000 && refused < 50_000)
  }

  @Test("every error says its numbers in one sentence")
  func descriptions() {
    let errors: [(ConvolutionError, String)] = [
      (.wrongRank(field: .image, rank: 1), "1 dimension; 2 to 4"),
      (.wrongRank(field: .filter, rank: 3), "3 dimensions; 2 (height and width) or 4"),
      (.emptyDimension(field: .filter, axis: .width), "filter is empty: its width"),
      (.notPositive(field: .stride, axis: .height, value: -4), "stride along the height is -4"),
      (.negativePadding(side: .left, value: -2), "left padding is -2"),
      (.samePaddingWithStride(stride: Extent(2, 1)), "stride is 2×1"),
      (.parameterTooLarge(field: .padding, axis: .width, value: 9, limit: 8), "is 9; at most 8"),
      (.filterExceedsImage(axis: .height, extent: 7, paddedExtent: 5), "padding by 2 more"),
      (.resultTooLarge(elements: .max, limit: 5), "more than 9223372036854775806"),
    ]
    for (error, part) in errors {
      #expect(error.description.contains(part), "\(error.description)")
      #expect(error.description.hasSuffix("."))
    }
  }
}
