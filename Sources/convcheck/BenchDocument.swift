import Benchmarking
import Buffers
import Convolution
import Glibc
import Service
import TensorCoding

/// The rows of a benchmark as JSON.
enum BenchDocument {
  /// Writes everything that was measured to standard output, as one document.
  static func write(
    _ rows: [BenchmarkRow], kernels: KernelVariant, limits: [MachineLimits], coding: [CodingBenchmark]
  ) {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("kernels")
    writer.string(kernels.rawValue)
    writer.key("limits")
    writer.beginArray()
    for limit in limits { writer.limits(limit) }
    writer.endArray()
    writer.key("rows")
    writer.beginArray()
    for (index, row) in rows.enumerated() {
      if index > 0 { writer.newLine() }
      writer.row(row)
    }
    writer.endArray()
    writer.key("coding")
    writer.beginArray()
    for row in coding {
      writer.beginObject()
      writer.key("dtype")
      writer.string(row.dataType.rawValue)
      writer.key("form")
      writer.string(row.form)
      writer.key("bytes")
      writer.integer(row.bytes)
      writer.numbers([("decode_seconds", row.decode), ("encode_seconds", row.encode)])
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    print(writer)
  }

  /// Prints a document and the end of its line.
  static func print(_ writer: consuming JSONWriter) {
    let text = writer.finish()
    Swift.print(String(decoding: text.bytes, as: UTF8.self))
    fflush(nil)
  }
}

extension JSONWriter {
  /// The limits of one variant.
  mutating func limits(_ limits: MachineLimits) {
    beginObject()
    key("kernels")
    string(limits.kernels.rawValue)
    numbers([
      ("float32_gigaflops", 2 * limits.float32 / 1e9), ("float64_gigaflops", 2 * limits.float64 / 1e9),
    ])
    key("levels")
    beginArray()
    for level in limits.levels {
      beginObject()
      key("name")
      string(level.name)
      if level.capacity < .max {
        key("bytes")
        integer(level.capacity)
      }
      numbers([
        ("read_gigabytes_per_second", level.read / 1e9), ("copy_gigabytes_per_second", level.copy / 1e9),
        ("stream_gigabytes_per_second", level.stream / 1e9),
      ])
      endObject()
    }
    endArray()
    endObject()
  }

  /// What bounds the time of a case.
  mutating func limit(_ limit: TimeLimit) {
    key("limit")
    beginObject()
    numbers([("operations_seconds", limit.operations), ("bytes_seconds", limit.bytes)])
    key("place")
    string(limit.place)
    endObject()
  }

  fileprivate mutating func row(_ row: BenchmarkRow) {
    let subject = row.subject
    beginObject()
    key("image")
    shape(subject.image)
    key("filter")
    shape(subject.filter)
    key("dtype")
    string(subject.dataType.rawValue)
    key("measure")
    string(subject.quantity.rawValue)
    measured(row)
    if case .measured(let measurement) = row.outcome, let limit = measurement.limit { self.limit(limit) }
    endObject()
  }
}
