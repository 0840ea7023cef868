public import Buffers
public import Convolution

extension ByteBuffer {
  /// Appends `tensor` as a file of NumPy's format, version 1.0: little-endian, row-major, the elements at a multiple of 64
  /// bytes from the file's start; byte for byte what `numpy.save` writes.
  ///
  /// - Parameter format: The type that the elements are rounded to; float16 only from `Float`. bfloat16 is none of NumPy's
  ///   types: its numbers are written as float32, which holds them exactly.
  public mutating func append<Scalar: TensorScalar>(
    numPy tensor: borrowing Tensor<Scalar>, as format: DataType = Scalar.dataType
  ) {
    let written = format == .bfloat16 ? .float32 : format
    precondition(
      written == Scalar.dataType || (written == .float16 && Scalar.dataType == .float32),
      "the tensor is not of this type")
    let shape = tensor.shape
    let extents = (0..<shape.rank).map { "\(shape[$0])" }.joined(separator: ", ")
    var header = """
      {'descr': '<f\(written.byteCount)', 'fortran_order': False, 'shape': (\(extents)\(shape.rank == 1 ? "," : "")), }
      """
    // NumPy leaves room for the first extent to grow to 21 digits in place; so do we, and write the very same bytes.
    if shape.rank > 0 { header += String(repeating: " ", count: 21 - String(shape[0]).utf8.count) }
    // Magic string, version and length take ten bytes; a line feed ends the header.
    let unpadded = 10 + header.utf8.count + 1
    let length = (unpadded + 63) / 64 * 64
    header += String(repeating: " ", count: length - unpadded) + "\n"
    reserve(length + tensor.values.count * written.byteCount)
    for byte in NumPyHeader.magic + [1, 0] { append(byte) }
    append(UInt8(truncatingIfNeeded: length - 10))
    append(UInt8(truncatingIfNeeded: (length - 10) >> 8))
    append(text: header)
    if written == .float16 {
      for value in tensor.values {
        let bits = Float(value).float16Bits
        append(UInt8(truncatingIfNeeded: bits))
        append(UInt8(truncatingIfNeeded: bits >> 8))
      }
    } else {
      // Every supported machine is little-endian, as the file is.
      let bytes = UnsafeRawBufferPointer(tensor.values)
      bytes.withMemoryRebound(to: UInt8.self) { append(contentsOf: $0) }
    }
  }
}
