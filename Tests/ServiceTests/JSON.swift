import Buffers
import TensorCoding

/// A JSON value as a tree, for tests to look into.
enum JSON: Equatable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  /// The value that `text` is, which must be one whole document.
  init(_ text: String) throws {
    let bytes = Array(text.utf8)
    let parsed = bytes.withUnsafeBytes { bytes in
      Result { () throws(JSONError) in
        try decodeDocument(bytes) { (reader) throws(JSONError) in try JSON(&reader) }
      }
    }
    self = try parsed.get()
  }

  private init(_ reader: inout JSONReader) throws(JSONError) {
    switch try reader.kind() {
    case .null:
      try reader.null()
      self = .null
    case .boolean: self = .boolean(try reader.boolean())
    case .number: self = .number(try reader.number(as: Double.self))
    case .string: self = .string(try reader.string())
    case .array:
      var elements: [JSON] = []
      try reader.beginArray()
      while try reader.nextElement() { elements.append(try JSON(&reader)) }
      self = .array(elements)
    case .object:
      var fields: [String: JSON] = [:]
      try reader.beginObject()
      while let key = try reader.nextKey() { fields[key] = try JSON(&reader) }
      self = .object(fields)
    }
  }

  /// The field called `key`, nil where this is no object or has no such field.
  subscript(key: String) -> JSON? {
    guard case .object(let fields) = self else { return nil }
    return fields[key]
  }

  /// The element at `index`, nil where this is no array or a shorter one.
  subscript(index: Int) -> JSON? { elements.indices.contains(index) ? elements[index] : nil }

  /// The keys of an object, in no order.
  var keys: Set<String> {
    guard case .object(let fields) = self else { return [] }
    return Set(fields.keys)
  }

  /// The elements of an array.
  var elements: [JSON] {
    guard case .array(let elements) = self else { return [] }
    return elements
  }

  /// The number, nil where this is none.
  var number: Double? {
    guard case .number(let value) = self else { return nil }
    return value
  }

  /// The string, nil where this is none.
  var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }
}

extension JSON: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByArrayLiteral,
  ExpressibleByBooleanLiteral
{
  init(integerLiteral value: Int) { self = .number(Double(value)) }
  init(floatLiteral value: Double) { self = .number(value) }
  init(stringLiteral value: String) { self = .string(value) }
  init(arrayLiteral elements: JSON...) { self = .array(elements) }
  init(booleanLiteral value: Bool) { self = .boolean(value) }
}
