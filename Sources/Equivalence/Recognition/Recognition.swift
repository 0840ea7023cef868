public import Convolution

/// The answer to "is this matrix a convolution?": which one, or where it is none.
///
/// `T[k,a,b; c,i,j]` is the matrix of a convolution exactly if each of its blocks of one output and one image channel
/// depends on `i − a·s` and `j − b·t` alone, with the same strides, and the blocks outside of the groups are zero. The
/// keys of the nonzeros are the taps. With a stride that reaches past the image every matrix has that form, so the
/// smallest kernel is taken, and such a stride counts only where the filter has no more weights than the matrix nonzeros.
public struct Recognition: ~Copyable, Sendable {
  /// Whether the matrix is that of a convolution.
  public enum Verdict: String, Sendable {
    /// It is, entry by entry.
    case convolution
    /// It is but for noise: every entry lies near the mean of its class.
    case approximate
    /// It is none; the geometry is that of the nearest.
    case violated
  }

  /// What was found.
  public let verdict: Verdict
  /// The convolution, or where there is a violation the one that most entries agree on.
  public let geometry: ConvolutionGeometry
  /// Its weights, K×C/g×kh×kw, or kh×kw for one plane of each; the class means where the verdict is `approximate`.
  public let filter: Tensor<Double>
  /// The padding behind the last row and column: all of these make the same matrix.
  public let paddingAfter: (height: ClosedRange<Int>, width: ClosedRange<Int>)
  /// The first entry, row by row, that breaks a tie or a zero.
  public let violation: Violation?
  /// How many entries do.
  public let violations: Int
  /// `‖T − P(T)‖_F / ‖T‖_F`, `P(T)` the nearest matrix of this geometry.
  public let distance: Double
  /// How far an entry was allowed to lie from its class, as a part of the greatest entry.
  public let tolerance: Double
  /// What the matrix leaves open.
  public let remarks: [Remark]
}

extension Recognition {
  /// One entry that is not what the convolution has there.
  public struct Violation: Hashable, Sendable {
    /// What is wrong with the entry.
    public enum Kind: String, Sendable {
      /// It differs from the others of its tap.
      case tieBroken = "tie_broken"
      /// It is zero, and its tap is not.
      case missingTap = "missing_tap"
      /// It is not zero, and no tap stands there.
      case extraNonzero = "extra_nonzero"
    }

    /// What is wrong.
    public let kind: Kind
    /// Row of the matrix.
    public let row: Int
    /// Column of the matrix.
    public let column: Int
    /// Row and column of the tap; nil where the kernel has none there.
    public let tap: Extent?
    /// The value of the entry's class.
    public let expected: Double
    /// The entry.
    public let actual: Double
  }

  /// What the matrix leaves open, or what is remarkable about it.
  public enum Remark: Hashable, Sendable {
    /// There is one output along the axis: the stride is the least that makes it one.
    case strideNotIdentifiable(Axis)
    /// There is one tap along the axis, or none that is not zero: the dilation could be any.
    case dilationNotIdentifiable(Axis)
    /// The matrix is zero: any filter of zeros, with any options, makes it.
    case zeroFilter
    /// So many taps at the ends are zero; the kernel needs them because no padding is negative.
    case zeroEdgeTaps(Axis, Int)
    /// The stride reaches past the image: along the axis no entry is tied to another.
    case untied(Axis)
    /// These entries are the only ones of their taps, and without them the kernel would be as small as `kernel`.
    case loneEntries([Place], kernel: Extent)
    /// The output's shape was not given; this one leads to the smallest kernel.
    case outputDerived(Shape)
    /// With zeros on the padding the matrix is none, or one with the larger kernel `zeros`.
    case paddingMode(PaddingMode, zeros: Extent?)
  }

  /// An entry of the matrix.
  public struct Place: Hashable, Sendable {
    /// Row of the matrix.
    public let row: Int
    /// Column of the matrix.
    public let column: Int

    /// The entry at `row` and `column`.
    public init(row: Int, column: Int) {
      self.row = row
      self.column = column
    }
  }
}

extension Recognition.Remark: CustomStringConvertible {
  /// One sentence.
  public var description: String {
    switch self {
    case .strideNotIdentifiable(let axis):
      "There is one output along the \(axis.rawValue), so the stride could be larger."
    case .dilationNotIdentifiable(let axis):
      "At most one tap along the \(axis.rawValue) is not zero, so the dilation could be another."
    case .zeroFilter:
      "All entries are zero, so the filter is zero, and stride, padding and dilation could be any."
    case .zeroEdgeTaps(let axis, let count):
      """
      \(count) tap\(count == 1 ? "" : "s") at the ends along the \(axis.rawValue) \(count == 1 ? "is" : "are") zero and \
      needed only because padding is never negative.
      """
    case .untied(let axis):
      "The stride reaches past the image, so along the \(axis.rawValue) no entry is tied to another."
    case .loneEntries(let places, let kernel):
      """
      \(places.count == 1 ? "One entry is" : "\(places.count) entries are") alone in \(places.count == 1 ? "its" : "their") \
      class, the first at row \(places[0].row), column \(places[0].column); without \(places.count == 1 ? "it" : "them") the \
      kernel would be \(kernel).
      """
    case .outputDerived(let shape):
      "The output's shape was not given; \(shape) leads to the smallest kernel."
    case .paddingMode(let mode, let zeros):
      if let zeros {
        "With zeros on the padding it is a convolution too, with the larger kernel \(zeros), than in mode \"\(mode.rawValue)\"."
      } else {
        "With zeros on the padding it is no convolution; in mode \"\(mode.rawValue)\" it is."
      }
    }
  }
}
