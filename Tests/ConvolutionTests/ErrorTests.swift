import Convolution
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
