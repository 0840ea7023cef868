public import Buffers

/// A dense row-major array of numbers with its shape, owned by one variable.
public struct Tensor<Scalar: BitwiseCopyable>: ~Copyable {
  /// The extents, outermost first.
  public let shape: Shape
  /// The elements in row-major order; as many as the shape says.
  public var elements: AlignedBuffer<Scalar>

  /// A tensor of `shape` over `elements`, whose count must match.
  public init(shape: Shape, elements: consuming AlignedBuffer<Scalar>) {
    precondition(shape.elementCount == elements.count, "shape and element count disagree")
    self.shape = shape
    self.elements = elements
  }

  /// A tensor of `shape` filled with `value`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public init(shape: Shape, repeating value: Scalar) {
    guard let count = shape.elementCount else { preconditionFailure("shape overflows") }
    self.init(shape: shape, elements: AlignedBuffer(repeating: value, count: count))
  }

  /// A matrix from rows of equal length, for tests and examples.
  public init(_ rows: [[Scalar]]) {
    let width = rows.first?.count ?? 0
    var elements = AlignedBuffer<Scalar>(capacity: rows.count * width)
    for row in rows {
      precondition(row.count == width, "ragged rows")
      for element in row { elements.append(element) }
    }
    self.init(shape: Shape(rows.count, width), elements: elements)
  }

  /// The elements in row-major order, for reading. Valid while the tensor lives.
  public var values: UnsafeBufferPointer<Scalar> { elements.elements }

  /// The elements in row-major order, for writing. Valid while the tensor lives.
  public var mutableValues: UnsafeMutableBufferPointer<Scalar> {
    mutating get { UnsafeMutableBufferPointer(start: elements.base, count: elements.count) }
  }

  /// The element at `row`, `column` of a matrix.
  public subscript(row: Int, column: Int) -> Scalar {
    get {
      precondition(shape.rank == 2 && column >= 0 && column < shape[1], "index out of range")
      return elements[row * shape[1] + column]
    }
    set {
      precondition(shape.rank == 2 && column >= 0 && column < shape[1], "index out of range")
      elements[row * shape[1] + column] = newValue
    }
  }
}

extension Tensor where Scalar: TensorScalar {
  /// The same numbers in float64.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func inDouble() -> Tensor<Double> {
    var copy = Tensor<Double>(shape: shape, repeating: 0)
    let (source, target) = (values, copy.mutableValues)
    for index in 0..<source.count { target[index] = Double(source[index]) }
    return copy
  }
}

extension Tensor: Sendable where Scalar: Sendable {}
