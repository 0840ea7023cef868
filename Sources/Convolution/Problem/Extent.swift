/// One of the two directions of a plane.
public enum Axis: String, CaseIterable, Sendable {
  /// Down the rows.
  case height
  /// Along the columns.
  case width

  /// The sides at which the axis begins and ends.
  var sides: (before: Padding.Side, after: Padding.Side) {
    switch self {
    case .height: (.top, .bottom)
    case .width: (.left, .right)
    }
  }
}

/// One number for each direction of a plane: a size, a stride, a dilation.
public struct Extent: Hashable, Sendable {
  /// The number for the rows.
  public var height: Int
  /// The number for the columns.
  public var width: Int

  /// `height` down the rows, `width` along the columns.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }

  /// The extent that a text such as `256x256` names, height first; nil where it names none. Digits only, no signs.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }),
      let height = Int(parts[0]), let width = Int(parts[1])
    else { return nil }
    self.init(height, width)
  }

  /// The number for one direction.
  public subscript(axis: Axis) -> Int {
    switch axis {
    case .height: height
    case .width: width
    }
  }

  /// `height · width`, or `Int.max` where that does not fit.
  public var elementCount: Int { saturatingProduct(height, width) }
}

extension Extent: CustomStringConvertible {
  /// Both numbers as in `256×256`.
  public var description: String { "\(height)×\(width)" }
}

/// The sum of numbers that are not negative, or `Int.max` where it does not fit.
@inline(__always)
package func saturatingSum(_ a: Int, _ b: Int) -> Int {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return overflow ? Int.max : sum
}

/// The product of numbers that are not negative, or `Int.max` where it does not fit: sizes are compared with
/// limits, and everything too large is equally too large.
@inline(__always)
package func saturatingProduct(_ a: Int, _ b: Int) -> Int {
  let (product, overflow) = a.multipliedReportingOverflow(by: b)
  return overflow ? Int.max : product
}

/// The product of three numbers that are not negative, or `Int.max` where it does not fit.
@inline(__always)
package func saturatingProduct(_ a: Int, _ b: Int, _ c: Int) -> Int {
  saturatingProduct(saturatingProduct(a, b), c)
}

/// The product of four numbers that are not negative, or `Int.max` where it does not fit.
@inline(__always)
package func saturatingProduct(_ a: Int, _ b: Int, _ c: Int, _ d: Int) -> Int {
  saturatingProduct(saturatingProduct(a, b, c), d)
}
