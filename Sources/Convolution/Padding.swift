/// The zeros that stand around the image, counted on each side.
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

  /// Rows of zeros above the first row.
  public var top: Int
  /// Columns of zeros before the first column.
  public var left: Int
  /// Rows of zeros below the last row.
  public var bottom: Int
  /// Columns of zeros behind the last column.
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
}

/// How a caller asks for padding.
public enum PaddingRule: Hashable, Sendable {
  /// So many zeros on each side.
  case sides(Padding)
  /// None: `torch.conv2d(padding="valid")`.
  case valid
  /// As much as makes the output as large as the image: `torch.conv2d(padding="same")`. It asks for stride 1;
  /// of the `dilation · (filter − 1)` zeros an axis needs, half, rounded down, stand before the image.
  case same
}
