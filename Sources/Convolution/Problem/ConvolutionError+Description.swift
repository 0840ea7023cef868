extension ConvolutionError: CustomStringConvertible {
  /// One sentence that says what is wrong and, where there is something, what would do instead.
  public var description: String {
    switch self {
    case .wrongRank(let field, let rank):
      let expected =
        field == .filter
        ? "2 (height and width) or 4 (output channels, image channels of a group, height, width) are expected"
        : "2 to 4 are expected: height and width, channels before them, the batch before those"
      return "The \(field.rawValue) has \(rank) dimension\(rank == 1 ? "" : "s"); \(expected)."
    case .emptyDimension(let field, let axis):
      let extent = axis.map { "its \($0.rawValue)" } ?? "one of its extents"
      return "The \(field.rawValue) is empty: \(extent) is 0."
    case .notPositive(let field, let axis, let value):
      let place = axis.map { " along the \($0.rawValue)" } ?? ""
      let subject = field == .groups ? "The number of groups" : name(field)
      return "\(subject)\(place) is \(value); it must be at least \(field == .outputPadding ? 0 : 1)."
    case .groupsDoNotDivide(let filters, let groups):
      return "The filter has \(filters) output channels, which \(groups) groups do not divide."
    case .channelMismatch(let image, let filters, let planes, let groups, let transposed):
      return channelMismatch(image, filters, planes, groups, transposed)
    case .biasLength(let count, let channels):
      let expected = channels == 1 ? "one number is" : "one number, or \(channels), one for each channel, are"
      let result = "\(channels) channel\(channels == 1 ? "" : "s")"
      return "The bias has \(count) numbers, and the result \(result); \(expected) expected."
    case .negativePadding(let side, let value):
      return "The \(side.rawValue) padding is \(value); it must be at least 0."
    case .samePaddingWithStride(let stride):
      return """
        Padding "same" is defined for stride 1 only, and the stride is \(stride); "same_upper" and "same_lower" take any.
        """
    case .samePaddingTransposed:
      return """
        Padding "same" is not defined for a transposed convolution; "same_upper" and "same_lower" are.
        """
    case .transposedPaddingMode(let mode):
      return """
        A transposed convolution has zeros on its padding; padding_mode "\(mode.rawValue)" is not defined for it.
        """
    case .transposedOnly(let field):
      return """
        \(name(field)) is defined for transposed convolutions only; set "transposed": true or leave it out.
        """
    case .paddingExceedsImage(let mode, let side, let value, let limit):
      return """
        The \(side.rawValue) padding is \(value); an image of this size has at most \(limit) to fill it with in mode \
        "\(mode.rawValue)".
        """
    case .outputPaddingTooLarge(let axis, let value, let limit):
      return """
        The output padding along the \(axis.rawValue) is \(value); it must be below the stride or below the dilation, at \
        most \(limit).
        """
    case .outputPaddingWithShape:
      return """
        The output shape and padding in numbers already say the output padding; leave out output_padding, output_shape, \
        or padding.
        """
    case .outputShapeOutOfRange(let axis, let value, let least, let most):
      return "The output shape asks for the \(axis.rawValue) \(value); \(least) to \(most) can be reached."
    case .paddingExceedsResult(let axis, let padding, let limit):
      return """
        The padding takes \(padding) from the \(axis.rawValue) of the transposed result and leaves nothing; at most \
        \(limit) would leave something.
        """
    case .parameterTooLarge(let field, let axis, let value, let limit):
      return "\(name(field)) along the \(axis.rawValue) is \(value); at most \(limit) is allowed."
    case .filterExceedsImage(let axis, let extent, let paddedExtent):
      return """
        The filter with its dilation has the \(axis.rawValue) \(extent), the padded image only \(paddedExtent); padding by \
        \(extent - paddedExtent) more would fit it.
        """
    case .resultTooLarge(let elements, let limit):
      return "The result would have \(count(elements)) elements; at most \(limit) are allowed."
    case .operatorTooLarge(let formulation, let storage, let bytes, let limit, let fits):
      let remedy = fits.map { " storage \"\($0.rawValue)\" fits." } ?? ""
      return """
        The \(formulation.rawValue) operator in \(storage.rawValue) storage needs \(count(bytes)) bytes; at most \
        \(limit) are allowed\(remedy.isEmpty ? "." : ";" + remedy)
        """
    case .tooMuchWork(let formulation, let storage, let multiplyAdds, let limit):
      return """
        The \(formulation.rawValue) operator in \(storage.rawValue) storage takes \(count(multiplyAdds)) \
        multiply-adds; at most \(limit) are allowed.
        """
    case .unsupportedStorage(let formulation, let storage):
      let supported = formulation.storages.map { "\"\($0.rawValue)\"" }.joined(separator: " and ")
      return """
        The formulation "\(formulation.rawValue)" has no \(storage.rawValue) storage; it supports \(supported).
        """
    case .unsupported(let formulation, let reason):
      return "The formulation \"\(formulation.rawValue)\" \(self.reason(reason))"
    case .foreignOption(let field, let formulation):
      return """
        \(name(field)) is an option of the formulation "\(field == .rank ? "separable" : "winograd")", and the formulation \
        is "\(formulation.rawValue)".
        """
    case .rankTooLarge(let rank, let limit):
      return "The rank is \(rank); filter planes of this size have at most rank \(limit)."
    case .noSuchTile(let tile, let sizes, let filter):
      let known = sizes.map(String.init).joined(separator: ", ")
      return """
        There is no Winograd tile of \(tile) outputs for a \(filter) filter; there \(sizes.count == 1 ? "is" : "are") \(known).
        """
    case .upstreamShape(let shape, let expected):
      return "The upstream gradient has the shape \(shape), the result \(expected); they must be the same."
    }
  }

  private func channelMismatch(
    _ image: Int, _ filters: Int, _ planes: Int, _ groups: Int, _ transposed: Bool
  ) -> String {
    if transposed {
      return """
        The image has \(image) channels, and the transposed filter takes \(filters), its first extent; they must be the \
        same.
        """
    }
    let taken =
      groups == 1
      ? "the filter takes \(planes)"
      : "the filter takes \(planes) in each of \(groups) groups, \(count(saturatingProduct(planes, groups))) in all"
    var remedy = ""
    if image % planes == 0, filters % (image / planes) == 0 {
      remedy = "; groups \(image / planes) would fit"
    } else if image % groups == 0 {
      remedy = "; a filter of \(image / groups) planes would fit"
    }
    return "The image has \(image) channel\(image == 1 ? "" : "s"), and \(taken)\(remedy)."
  }

  private func reason(_ reason: Unsupported) -> String {
    switch reason {
    case .stride(let stride): "supports stride 1 only, and the stride is \(stride)."
    case .dilation(let dilation): "supports dilation 1 only, and the dilation is \(dilation)."
    case .filter(let filter): "supports 3×3 and 5×5 filters, and the filter is \(filter)."
    case .gradients: #"has no gradients here; "direct", "toeplitz" and "banded" have."#
    }
  }

  private func name(_ field: Field) -> String {
    "The " + field.rawValue.split(separator: "_").joined(separator: " ")
  }

  private func count(_ number: Int) -> String {
    number == Int.max ? "more than \(Int.max - 1)" : String(number)
  }
}
