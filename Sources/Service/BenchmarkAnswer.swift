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
      writer.beginObject()
      writer.measured(row)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    return Response(.ok, contentType: Route.benchmark.mediaType, body: writer.finishLine())
  }

  private static let needsExtents = "is missing: height x width, such as image=256x256&filter=3x3."
}
