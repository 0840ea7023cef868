import TestSupport

/// Places at which to cut `input`, ascending, none at its ends: they follow from the bytes, so that an input that fails once
/// fails again.
func cuts(of input: [UInt8]) -> [Int] {
  guard input.count > 1 else { return [] }
  // FNV-1a.
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in input { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
  // Every other input comes byte by byte where that is cheap, the others in some pieces.
  if hash & 1 == 0, input.count <= 64 { return Array(1..<input.count) }
  var numbers = SeededNumbers(seed: hash)
  let places = (0..<numbers.integer(1...6)).map { _ in numbers.integer(1...input.count - 1) }
  return Set(places).sorted()
}

/// Calls `body` with `input` in memory of exactly its size, so that the address sanitizer sees every read beside it.
func withExactMemory<Result: ~Copyable, Failure: Error>(
  _ input: some Collection<UInt8>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
) throws(Failure) -> Result {
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count, alignment: 1)
  defer { memory.deallocate() }
  memory.copyBytes(from: input)
  return try body(UnsafeRawBufferPointer(memory))
}
