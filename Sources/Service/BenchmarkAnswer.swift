import Benchmarking
import Convolution
import HTTP
import TensorCoding

extension ConvolutionService {
  /// GET /benchmark: one image and filter size, every formulation and storage.
  func benchmark(_ query: Query) throws(ServiceError) -> Response {
    try query.check(known: ["image", "filter", "iterations", "dtype"])
    guard let image = try query.extents("image") else { throw .parameter("image", Self.needsExtents) }
    guard let filter = try query.extents("filter") else { throw .parameter("filter", Self.needsExtents) }
    let iterations = try query.integer("iterations", in: 1...ServiceLimits.repeats) ?? 20
    let dataType = try query.word("dtype", among: [DataType.float32, .float64]) ?? .float32
    do throws(ConvolutionError) {
      // What no formulation can compute is an error of the request, not five rows that say the same.
      _ = try ConvolutionGeometry(
        image: image, filter: filter, maximumOutputElements: limits.tensorElements)
    } catch {
      throw .parameter(error.field == .filter ? "filter" : "image", "cannot be used. \(error)")
    }
    // Each of the cases is applied at least twice, to warm up and to be timed; its time budget ends the rest.
    let applications = 2 * BenchmarkPlan.everyFormulation.count
    let plan = BenchmarkPlan(
      images: [Shape(image.height, image.width)], filters: [Shape(filter.height, filter.width)],
      dataType: dataType, maximumIterations: iterations,
      memoryLimit: limits.operatorBytes, workLimit: limits.multiplyAdds / applications)
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("image")
    writer.extent(image)
    writer.key("filter")
    writer.extent(filter)
    writer.key("dtype")
    writer.string(dataType.rawValue)
    writer.key("rows")
    writer.beginArray()
    for (index, row) in BenchmarkRunner(plan).run().enumerated() {
      if index > 0 { writer.newLine() }
      writer.row(row)
    }
    writer.endArray()
    writer.endObject()
    return Response(.ok, contentType: Route.benchmark.mediaType, body: writer.finishLine())
  }

  private static let needsExtents = "is missing: height x width, such as image=256x256&filter=3x3."
}

extension JSONWriter {
  fileprivate mutating func row(_ row: BenchmarkRow) {
    beginObject()
    key("formulation")
    string(row.subject.formulation.rawValue)
    key("storage")
    string(row.subject.storage.rawValue)
    if let cost = row.cost {
      key("stored_entries")
      integer(cost.storedEntries)
      key("bytes")
      integer(cost.heldBytes)
      key("multiply_adds")
      integer(cost.multiplyAdds)
    }
    switch row.outcome {
    case .refused(let error):
      key("refused")
      string(error.description)
    case .measured(let measurement):
      key("iterations")
      integer(measurement.iterations)
      let numbers: [(StaticString, Double)] = [
        ("setup_seconds", measurement.setup), ("minimum_seconds", measurement.minimum),
        ("median_seconds", measurement.median), ("percentile95_seconds", measurement.percentile95),
        ("gigaflops", measurement.gigaflops), ("gigabytes_per_second", measurement.gigabytesPerSecond),
        ("max_deviation", measurement.maxDeviation),
      ]
      for (name, value) in numbers {
        key(name)
        number(value)
      }
    }
    endObject()
  }
}
