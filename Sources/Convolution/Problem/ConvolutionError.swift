/// Why a convolution can't be computed, with all the numbers that decided it.
public enum ConvolutionError: Error, Hashable, Sendable {
  /// The part of a problem that is at fault.
  public enum Field: String, CaseIterable, Sendable {
    /// The image.
    case image
    /// The filter.
    case filter
    /// The numbers added to the result.
    case bias
    /// The step from one output to the next.
    case stride
    /// What stands around the image.
    case padding
    /// What stands on the padding.
    case paddingMode = "padding_mode"
    /// The step from one tap to the next.
    case dilation
    /// The groups of channels.
    case groups
    /// Rows and columns more of a transposed result.
    case outputPadding = "output_padding"
    /// Rows and columns of a transposed result.
    case outputShape = "output_shape"
    /// How the convolution is computed.
    case formulation
    /// Whether zeros are stored.
    case storage
    /// The terms of the separable formulation.
    case rank
    /// The outputs of a tile of the Winograd formulation.
    case tile
    /// The derivative by the result.
    case upstream
  }

  /// `field` (image or filter) has `rank` dimensions, which are too few or too many.
  case wrongRank(field: Field, rank: Int)
  /// `field` (image or filter) has no element along `axis`, or no plane where that is nil.
  case emptyDimension(field: Field, axis: Axis?)
  /// `field` is below 1 (an output padding below 0), along `axis` where it has one.
  case notPositive(field: Field, axis: Axis?, value: Int)
  /// The filters can't be divided into the groups.
  case groupsDoNotDivide(filters: Int, groups: Int)
  /// The image has not as many channels as the filters, `planes` planes each, take in all groups together.
  case channelMismatch(image: Int, filters: Int, planes: Int, groups: Int, transposed: Bool)
  /// The bias has neither one number nor one for each of `channels` channels.
  case biasLength(Int, channels: Int)
  /// A side has fewer than no rows or columns.
  case negativePadding(side: Padding.Side, value: Int)
  /// "same" padding is defined for stride 1 only.
  case samePaddingWithStride(stride: Extent)
  /// "same" padding is not defined for a transposed convolution.
  case samePaddingTransposed
  /// A transposed convolution has zeros on its padding.
  case transposedPaddingMode(PaddingMode)
  /// `field` says something about transposed convolutions, and this is none.
  case transposedOnly(field: Field)
  /// The image is too small to fill `value` rows or columns of padding in this way; at most `limit` could be.
  case paddingExceedsImage(mode: PaddingMode, side: Padding.Side, value: Int, limit: Int)
  /// Output padding must be below the stride or below the dilation.
  case outputPaddingTooLarge(axis: Axis, value: Int, limit: Int)
  /// Padding given in numbers, output padding and output shape together say too much.
  case outputPaddingWithShape
  /// A transposed convolution with these parameters can't have this many rows or columns.
  case outputShapeOutOfRange(axis: Axis, value: Int, least: Int, most: Int)
  /// The padding takes away all of a transposed result.
  case paddingExceedsResult(axis: Axis, padding: Int, limit: Int)
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
  /// The formulation can't compute this problem.
  case unsupported(formulation: Formulation, Unsupported)
  /// `field` (rank or tile) says something about another formulation than this one.
  case foreignOption(field: Field, formulation: Formulation)
  /// More terms are asked for than the filter planes have rows or columns.
  case rankTooLarge(Int, limit: Int)
  /// No tile of this size exists for this filter.
  case noSuchTile(Int, sizes: [Int], filter: Extent)
  /// The derivative by the result has not the result's shape.
  case upstreamShape(Shape, expected: Shape)

  /// What a formulation can't do.
  public enum Unsupported: Hashable, Sendable {
    /// Steps between outputs other than 1.
    case stride(Extent)
    /// Steps between taps other than 1.
    case dilation(Extent)
    /// Filters of this size.
    case filter(Extent)
    /// Gradients.
    case gradients
  }

  /// The part of the problem that is at fault.
  public var field: Field {
    switch self {
    case .wrongRank(let field, _), .emptyDimension(let field, _), .notPositive(let field, _, _),
      .parameterTooLarge(let field, _, _, _), .transposedOnly(let field), .foreignOption(let field, _):
      field
    case .groupsDoNotDivide: .groups
    case .channelMismatch, .filterExceedsImage: .filter
    case .biasLength: .bias
    case .negativePadding, .samePaddingWithStride, .samePaddingTransposed, .paddingExceedsImage,
      .paddingExceedsResult:
      .padding
    case .transposedPaddingMode: .paddingMode
    case .outputPaddingTooLarge, .outputPaddingWithShape: .outputPadding
    case .outputShapeOutOfRange: .outputShape
    case .resultTooLarge: .image
    case .operatorTooLarge, .unsupportedStorage: .storage
    case .tooMuchWork, .unsupported: .formulation
    case .rankTooLarge: .rank
    case .noSuchTile: .tile
    case .upstreamShape: .upstream
    }
  }
}
