import Buffers
import Convolution
import TensorCoding

private func read<Scalar: TensorScalar>(
  _ file: [UInt8], as type: Scalar.Type
) throws(NumPyError) -> Tensor<Scalar> {
  try withExactMemory(file) { (bytes) throws(NumPyError) in
    try NumPyArray(bytes, ranks: 1...4, elementLimit: 256).tensor(as: type)
  }
}

/// What a tensor that was read from `input` is written as is read back as the same numbers.
private func rewritingFlaw<Scalar: TensorScalar>(_ tensor: borrowing Tensor<Scalar>) -> String? {
  var file = ByteBuffer()
  file.append(numPy: tensor)
  do throws(NumPyError) {
    let again = try read(Array(file.elements), as: Scalar.self)
    let isSame =
      again.shape == tensor.shape && zip(again.values, tensor.values).allSatisfy { $0.isIdentical(to: $1) }
    return isSame ? nil : "written and read again it changes"
  } catch {
    return "what was written is not read: \(error)"
  }
}

/// A file that is read has the elements that it says, the same in float32 where they fit as in float64, and is read back when
/// it is written.
func arrayFlaw(in input: [UInt8]) -> String? {
  do throws(NumPyError) {
    let wide = try read(input, as: Double.self)
    if wide.values.count > 256 || wide.values.count >= input.count { return "\(wide.shape) is too large" }
    if let flaw = rewritingFlaw(wide) { return flaw }
    guard let narrow = try? read(input, as: Float.self) else { return nil }
    if narrow.shape != wide.shape { return "\(narrow.shape) in float32, \(wide.shape) in float64" }
    for (small, large) in zip(narrow.values, wide.values) where !Double(small).isIdentical(to: large) {
      return "\(small) in float32, \(large) in float64"
    }
    return rewritingFlaw(narrow)
  } catch {
    if case .malformed(_, _, let offset) = error, !(0...input.count).contains(offset) {
      return "an impossible place: \(error)"
    }
    if (try? read(input, as: Float.self)) != nil { return "taken as float32 alone" }
    return nil
  }
}
