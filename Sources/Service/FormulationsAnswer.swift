import Convolution
import HTTP
import TensorCoding

extension ConvolutionService {
  /// GET /formulations: every formulation and storage with its formula and its costs, in their fixed order.
  func formulations() -> Response {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("formulations")
    writer.beginArray()
    for (index, formulation) in Formulation.allCases.enumerated() {
      if index > 0 { writer.newLine() }
      writer.beginObject()
      writer.key("name")
      writer.string(formulation.rawValue)
      writer.key("summary")
      writer.string(formulation.summary)
      writer.key("formula")
      writer.string(formulation.formula)
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
        writer.key("multiply_adds")
        writer.string(cost.multiplyAdds)
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
