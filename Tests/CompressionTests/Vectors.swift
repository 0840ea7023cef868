import Compression

/// Compressed bytes that Python's gzip and zlib modules wrote, apart from the second header of gzip, whose optional fields
/// were put together by hand after RFC 1952 section 2.3.
struct Vector: Sendable, CustomStringConvertible {
  let name: String
  let format: CompressionFormat
  let bytes: [UInt8]
  /// How many members there are, and where those before the last end.
  let inner: [(end: Int, text: String)]

  init(_ name: String, _ format: CompressionFormat, _ hex: String, inner: [(end: Int, text: String)] = []) {
    self.name = name
    self.format = format
    self.inner = inner
    bytes = stride(from: 0, to: hex.utf8.count, by: 2).map { offset in
      let digits = hex.dropFirst(offset).prefix(2)
      return UInt8(digits, radix: 16) ?? 0
    }
  }

  var description: String { name }

  /// What every vector stands for.
  static let text = "hello, hello, hello, convolution!"

  static let all = [
    Vector(
      "gzip of level 9", .gzip,
      "1f8b0800000000000203cb48cdc9c9d751c840a192f3f3caf2734a4b32f3f31401ae7bf84921000000"),
    Vector(
      "gzip of level 1 with a time", .gzip,
      "1f8b080000f1536504ffcb48cdc9c9d751c840a192f3f3caf2734a4b32f3f31401ae7bf84921000000"),
    Vector(
      "gzip with every optional field", .gzip,
      "1f8b081f0500000000030400657874726e616d6500636f6d6d656e74007270cb48cdc9c9d751c840a192f3f3caf2734a4b32f3f3"
        + "1401ae7bf84921000000"),
    Vector(
      "gzip of two members, the first empty", .gzip,
      "1f8b0800000000000203030000000000000000001f8b0800000000000003cb48cdc9c9d751c840a192f3f3caf2734a4b32f3f314"
        + "01ae7bf84921000000", inner: [(20, "")]),
    Vector(
      "gzip of three members", .gzip,
      "1f8b0800000000000203cb48cdc9c9070086a61036050000001f8b0800000000000403010100feff2c6e83dae0010000001f8b08"
        + "0000000000000353c848cdc9c9d7518052c9f97965f939a52599f9798a006c6441861b000000",
      inner: [(25, "hello"), (49, "hello,")]),
    Vector(
      "gzip of stored blocks", .gzip,
      "1f8b0800000000000403012100deff68656c6c6f2c2068656c6c6f2c2068656c6c6f2c20636f6e766f6c7574696f6e21ae7bf849"
        + "21000000"),
    Vector("zlib of level 9", .zlib, "78dacb48cdc9c9d751c840a192f3f3caf2734a4b32f3f31401c90d0c02"),
    Vector("zlib of level 1", .zlib, "7801cb48cdc9c9d751c840a192f3f3caf2734a4b32f3f31401c90d0c02"),
    Vector(
      "zlib of level 0", .zlib,
      "7801012100deff68656c6c6f2c2068656c6c6f2c2068656c6c6f2c20636f6e766f6c7574696f6e21c90d0c02"),
    Vector(
      "zlib with the smallest window", .zlib, "18d3cb48cdc9c9d751c840a192f3f3caf2734a4b32f3f31401c90d0c02"),
    Vector("bare deflated data", .zlib, "cb48cdc9c9d751c840a192f3f3caf2734a4b32f3f31401"),
    Vector(
      "bare stored data", .zlib,
      "012100deff68656c6c6f2c2068656c6c6f2c2068656c6c6f2c20636f6e766f6c7574696f6e21"),
  ]
}
