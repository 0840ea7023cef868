/// The rows and columns that stand around the image, counted on each side.
public struct Padding: Hashable, Sendable {
  /// The four sides of an image.
  public enum Side: String, CaseIterable, Sendable {
    /// Above the first row.
    case top
    /// Before the first column.
    case left
    /// Below the last row.
    case bottom
    /// Behind the last column.
    case right
  }

  /// Rows above the first row.
  public var top: Int
  /// Columns before the first column.
  public var left: Int
  /// Rows below the last row.
  public var bottom: Int
  /// Columns behind the last column.
  public var right: Int

  /// Padding given side by side.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  /// The same padding on opposite sides: `vertical` above and below, `horizontal` left and right.
  public init(vertical: Int, horizontal: Int) {
    self.init(top: vertical, left: horizontal, bottom: vertical, right: horizontal)
  }

  /// No padding: the filter stays within the image.
  public static let none = Padding(vertical: 0, horizontal: 0)

  /// The padding on one side.
  public subscript(side: Side) -> Int {
    switch side {
    case .top: top
    case .left: left
    case .bottom: bottom
    case .right: right
    }
  }

  /// The padding before the first and behind the last pixel along an axis.
  func sides(_ axis: Axis) -> (before: Int, after: Int) {
    switch axis {
    case .height: (top, bottom)
    case .width: (left, right)
    }
  }
}

/// How a caller asks for padding.
public enum PaddingRule: Hashable, Sendable {
  /// So many rows and columns on each side.
  case sides(Padding)
  /// None: `torch.conv2d(padding="valid")`, ONNX's `VALID`.
  case valid
  /// As much as makes the output as large as the image: `torch.conv2d(padding="same")`. It asks for stride 1 and an
  /// ordinary convolution; of the `dilation · (filter − 1)` an axis needs, half, rounded down, stands before the image.
  case same
  /// ONNX's `SAME_UPPER`: as much as makes the output `⌈image / stride⌉`, or `image · stride` where transposed; of an
  /// odd total the extra one stands behind the image.
  case sameUpper
  /// ONNX's `SAME_LOWER`: the same total, the extra one before the image.
  case sameLower
}

/// What stands on the padding.
public enum PaddingMode: String, CaseIterable, Sendable {
  /// Zeros.
  case zeros
  /// The image mirrored at its outermost pixels, which are not repeated.
  case reflect
  /// The outermost pixels, repeated.
  case replicate
  /// The image again, from its other side.
  case circular
}
