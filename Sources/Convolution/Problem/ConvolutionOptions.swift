/// Everything that `torch.conv2d` and `torch.conv_transpose2d` take beside image, filter and bias.
public struct ConvolutionOptions: Hashable, Sendable {
  /// Pixels from one output to the next.
  public var stride: Extent
  /// The padding; nil is none, or, where `outputShape` is given, what leads to that shape (as in ONNX).
  public var padding: PaddingRule?
  /// What stands on the padding.
  public var paddingMode: PaddingMode
  /// Pixels from one tap to the next.
  public var dilation: Extent
  /// The groups that keep channels apart.
  public var groups: Int
  /// Whether the filter is rotated by 180° first: the mathematician's convolution.
  public var flip: Bool
  /// Whether the transposed map is meant: `torch.conv_transpose2d`.
  public var transposed: Bool
  /// Of a transposed convolution: rows and columns more at the bottom and at the right.
  public var outputPadding: Extent?
  /// Of a transposed convolution: the rows and columns that are wanted.
  public var outputShape: Extent?

  /// Options; the defaults are PyTorch's.
  public init(
    stride: Extent = Extent(1, 1), padding: PaddingRule? = nil, paddingMode: PaddingMode = .zeros,
    dilation: Extent = Extent(1, 1), groups: Int = 1, flip: Bool = false, transposed: Bool = false,
    outputPadding: Extent? = nil, outputShape: Extent? = nil
  ) {
    self.stride = stride
    self.padding = padding
    self.paddingMode = paddingMode
    self.dilation = dilation
    self.groups = groups
    self.flip = flip
    self.transposed = transposed
    self.outputPadding = outputPadding
    self.outputShape = outputShape
  }
}
