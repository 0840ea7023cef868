import Convolution
import TensorCoding

extension ConvolutionOptions {
  /// The options that a query names, by the names they have in a document.
  ///
  /// - Throws: `parameter`, which names the one that is wrong.
  init(_ query: Query) throws(ServiceError) {
    self.init()
    let extents = 1...AxisGeometry.maximumExtent
    if let stride = try query.pair(Field.stride.rawValue, in: extents) { self.stride = stride }
    padding = try query.padding(Field.padding.rawValue)
    if let mode: PaddingMode = try query.word(Field.paddingMode.rawValue) { paddingMode = mode }
    if let dilation = try query.pair(Field.dilation.rawValue, in: extents) { self.dilation = dilation }
    if let groups = try query.integer(Field.groups.rawValue, in: extents) { self.groups = groups }
    flip = try query.boolean(Field.flip.rawValue) ?? false
    transposed = try query.boolean(Field.transposed.rawValue) ?? false
    outputPadding = try query.pair(Field.outputPadding.rawValue, in: 0...AxisGeometry.maximumExtent)
    outputShape = try query.extents(Field.outputShape.rawValue)
  }

  private enum Field: String, CaseIterable {
    case stride, padding
    case paddingMode = "padding_mode"
    case dilation, groups, flip, transposed
    case outputPadding = "output_padding"
    case outputShape = "output_shape"
  }

  /// The names of the options in a request.
  static var fields: [String] { Field.allCases.map(\.rawValue) }

  /// Reads the value of the field called `key`, or returns false where it is no option.
  mutating func read(_ key: String, _ reader: inout JSONReader) throws(JSONError) -> Bool {
    guard let field = Field(rawValue: key) else { return false }
    switch field {
    case .stride: stride = try reader.extent()
    case .padding: padding = try reader.padding()
    case .paddingMode: paddingMode = try reader.word()
    case .dilation: dilation = try reader.extent()
    case .groups: groups = try reader.integer(in: 1...AxisGeometry.maximumExtent)
    case .flip: flip = try reader.boolean()
    case .transposed: transposed = try reader.boolean()
    case .outputPadding: outputPadding = try reader.extent(from: 0)
    case .outputShape: outputShape = try reader.heightAndWidth()
    }
    return true
  }
}
