/// Why a convolution can't be computed, with all the numbers that decided it.
public enum ConvolutionError: Error, Hashable, Sendable {
  /// The part of a problem that is at fault.
  public enum Field: String, CaseIterable, Sendable {
    /// The image.
    case image
    /// The filter.
    case filter
    /// The step from one output to the next.
    case stride
    /// The zeros around the image.
    case padding
    /// The step from one tap to the next.
    case dilation
  }

  /// `field` (image or filter) has `rank` dimensions, not 2.
  case wrongRank(field: Field, rank: Int)
  /// `field` (image or filter) has no element along `axis`.
  case emptyDimension(field: Field, axis: Axis)
  /// `field` (stride or dilation) is below 1 along `axis`.
  case notPositive(field: Field, axis: Axis, value: Int)
  /// A side has fewer than no zeros.
  case negativePadding(side: Padding.Side, value: Int)
  /// "same" padding is defined for stride 1 only.
  case samePaddingWithStride(stride: Extent)
  /// `field` has `value` along `axis`, more than any computation here may use.
  case parameterTooLarge(field: Field, axis: Axis, value: Int, limit: Int)
  /// The filter, spread by its dilation over `extent` pixels, is larger than the padded image.
  case filterExceedsImage(axis: Axis, extent: Int, paddedExtent: Int)
  /// The output would have `elements` elements (`Int.max`: more than can be counted).
  case resultTooLarge(elements: Int, limit: Int)
  /// The operator would hold `bytes` bytes (`Int.max`: more than can be counted); `fits` is the storage of the
  /// same formulation that would be within the limit, if any.
  case operatorTooLarge(formulation: Formulation, storage: Storage, bytes: Int, limit: Int, fits: Storage?)
  /// One application would take `multiplyAdds` multiply-adds (`Int.max`: more than can be counted).
  case tooMuchWork(formulation: Formulation, storage: Storage, multiplyAdds: Int, limit: Int)
  /// The formulation has no such storage.
  case unsupportedStorage(formulation: Formulation, storage: Storage)

  /// The part of the problem that is at fault, nil where it is the choice of formulation or storage.
  public var field: Field? {
    switch self {
    case .wrongRank(let field, _), .emptyDimension(let field, _), .notPositive(let field, _, _),
      .parameterTooLarge(let field, _, _, _):
      field
    case .negativePadding, .samePaddingWithStride: .padding
    case .filterExceedsImage: .filter
    case .resultTooLarge: .image
    case .operatorTooLarge, .tooMuchWork, .unsupportedStorage: nil
    }
  }
}

extension ConvolutionError: CustomStringConvertible {
  /// One sentence that says what is wrong and, where there is something, what would do instead.
  public var description: String {
    switch self {
    case .wrongRank(let field, let rank):
      return "The \(field.rawValue) has \(rank) dimensions; 2 are expected, height and width."
    case .emptyDimension(let field, let axis):
      return "The \(field.rawValue) is empty: its \(axis.rawValue) is 0."
    case .notPositive(let field, let axis, let value):
      return "The \(field.rawValue) along the \(axis.rawValue) is \(value); it must be at least 1."
    case .negativePadding(let side, let value):
      return "The \(side.rawValue) padding is \(value); it must be at least 0."
    case .samePaddingWithStride(let stride):
      return "Padding \"same\" is defined for stride 1 only, and the stride is \(stride)."
    case .parameterTooLarge(let field, let axis, let value, let limit):
      return "The \(field.rawValue) along the \(axis.rawValue) is \(value); at most \(limit) is allowed."
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
        The formulation \"\(formulation.rawValue)\" has no \(storage.rawValue) storage; it supports \(supported).
        """
    }
  }

  private func count(_ number: Int) -> String {
    number == Int.max ? "more than \(Int.max - 1)" : String(number)
  }
}
