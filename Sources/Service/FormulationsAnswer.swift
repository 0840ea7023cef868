import Convolution
import HTTP
import TensorCoding

extension ConvolutionService {
  /// GET /formulations: every formulation and storage with its formulas, in their fixed order; with a query also what they
  /// take for the problem that it describes.
  func formulations(_ query: Query) throws(ServiceError) -> Response {
    let asked = try FormulationsQuery(query, limits: limits)
    var writer = JSONWriter()
    writer.beginObject()
    if let asked {
      writer.key("problem")
      writer.beginObject()
      writer.key("image")
      writer.shape(asked.geometry.imageShape)
      writer.key("filter")
      writer.shape(asked.filter)
      writer.key("result")
      writer.shape(asked.geometry.resultShape)
      writer.endObject()
      writer.newLine()
    }
    writer.key("formulations")
    writer.beginArray()
    for (index, formulation) in Formulation.allCases.enumerated() {
      if index > 0 { writer.newLine() }
      writer.beginObject()
      let texts: [(StaticString, String)] = [
        ("name", formulation.rawValue), ("summary", formulation.summary), ("formula", formulation.formula),
        ("bound", formulation.boundFormula),
      ]
      for (key, text) in texts {
        writer.key(key)
        writer.string(text)
      }
      writer.key("gradients")
      writer.boolean(formulation.hasGradients)
      writer.key("unsupported")
      writer.beginArray()
      for sentence in formulation.unsupported { writer.string(sentence) }
      writer.endArray()
      writer.key("storages")
      writer.beginArray()
      for storage in formulation.storages {
        let cost = formulation.costFormula(storage: storage)
        writer.beginObject()
        writer.key("name")
        writer.string(storage.rawValue)
        writer.key("default")
        writer.boolean(storage == formulation.storages.first)
        writer.key("stored_entries")
        writer.string(cost.storedEntries)
        writer.key("bytes")
        writer.string(cost.bytes)
        writer.key("multiply_adds")
        writer.string(cost.multiplyAdds)
        if let asked { writer.cost(of: asked, formulation, storage, limits) }
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
    }
    writer.endArray()
    writer.newLine()
    writer.key("dtypes")
    writer.beginArray()
    for dataType in DataType.allCases { writer.string(dataType.rawValue) }
    writer.endArray()
    writer.endObject()
    return Response(.ok, contentType: Route.formulations.mediaType, body: writer.finishLine())
  }
}

extension JSONWriter {
  /// The fields `cost`, where the formulation can compute the problem at all, and `refused`, where it would not be computed.
  fileprivate mutating func cost(
    of asked: FormulationsQuery, _ formulation: Formulation, _ storage: Storage, _ limits: ServiceLimits
  ) {
    let options = asked.options(for: formulation)
    let byteCount = asked.dataType.computedIn.byteCount
    var refusal: ConvolutionError?
    do throws(ConvolutionError) {
      try formulation.check(
        storage: storage, geometry: asked.geometry, options: options, scalarByteCount: byteCount,
        memoryLimit: limits.operatorBytes, workLimit: limits.multiplyAdds)
    } catch {
      refusal = error
    }
    switch refusal {
    case nil, .operatorTooLarge, .tooMuchWork:
      let cost = formulation.cost(
        of: asked.geometry, storage: storage, options: options, scalarByteCount: byteCount)
      key("cost")
      beginObject()
      let counts: [(StaticString, Int)] = [
        ("stored_entries", cost.storedEntries), ("bytes", cost.heldBytes),
        ("multiply_adds", cost.multiplyAdds),
      ]
      for (name, value) in counts {
        key(name)
        // More than can be counted.
        if value == .max { null() } else { integer(value) }
      }
      endObject()
    default: break
    }
    if let refusal {
      key("refused")
      string(refusal.description)
    }
  }
}
