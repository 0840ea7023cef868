/// What an Accept-Encoding field says about the codings of an answer (RFC 9110 section 12.5.3).
public struct AcceptEncoding: Equatable, Sendable {
  /// Weights of RFC 9110 section 12.4.2 in thousandths, 0 to 1000, by coding; nil where the field does not name it. No
  /// dictionary: many clients send the field with each request.
  private struct Weights: Equatable {
    private var identity: Int?
    private var gzip: Int?
    private var deflate: Int?

    subscript(coding: ContentCoding) -> Int? {
      get {
        switch coding {
        case .identity: identity
        case .gzip: gzip
        case .deflate: deflate
        }
      }
      set {
        switch coding {
        case .identity: identity = newValue
        case .gzip: gzip = newValue
        case .deflate: deflate = newValue
        }
      }
    }
  }

  private var weights = Weights()
  /// The weight of `*`, which stands for every coding that is not named.
  private var otherWeight: Int?
  private var isPresent = false
  private var isMalformed = false

  /// No such field at all.
  public init() {}

  /// The field with `value`.
  public init(_ value: String) {
    var value = value
    value.withUTF8 { take(UnsafeRawBufferPointer($0)) }
  }

  /// Adds one field line; several count as one list (RFC 9110 section 5.3).
  mutating func take(_ value: UnsafeRawBufferPointer) {
    isPresent = true
    Bytes.forEachElement(of: value) { element in take(element: element) }
  }

  private mutating func take(element: UnsafeRawBufferPointer) {
    let end = element.firstIndex(of: UInt8(ascii: ";")) ?? element.count
    let name = Bytes.trimmed(UnsafeRawBufferPointer(rebasing: element[..<end]))
    guard Bytes.isToken(name),
      let weight = Self.weight(UnsafeRawBufferPointer(rebasing: element[end...]))
    else {
      isMalformed = true
      return
    }
    // Where a coding is named twice, the word against it counts: to go without it is always safe.
    if Bytes.equal(name, ignoringCase: "*") {
      otherWeight = min(otherWeight ?? weight, weight)
    } else if let coding = ContentCoding(name) {
      weights[coding] = min(weights[coding] ?? weight, weight)
    }
  }

  /// The weight behind a coding: `OWS ";" OWS "q=" qvalue`, or nothing, which is 1; nil where it is neither.
  private static func weight(_ bytes: UnsafeRawBufferPointer) -> Int? {
    if bytes.isEmpty { return 1000 }
    let parameter = Bytes.trimmed(UnsafeRawBufferPointer(rebasing: bytes.dropFirst()))
    guard parameter.count >= 3, parameter[0] | 0x20 == UInt8(ascii: "q"), parameter[1] == UInt8(ascii: "=")
    else {
      return nil
    }
    // qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
    let whole = parameter[2]
    guard whole == UInt8(ascii: "0") || whole == UInt8(ascii: "1"), parameter.count <= 7 else { return nil }
    var weight = Int(whole - UInt8(ascii: "0")) * 1000
    if parameter.count > 3, parameter[3] != UInt8(ascii: ".") { return nil }
    var unit = 100
    for byte in parameter.dropFirst(4) {
      guard Bytes.isDigit(byte) else { return nil }
      weight += Int(byte - UInt8(ascii: "0")) * unit
      unit /= 10
    }
    return weight <= 1000 ? weight : nil
  }

  /// The weight of `coding`: its own, or that of `*`; nil where the field says nothing about it.
  private func weight(of coding: ContentCoding) -> Int? { weights[coding] ?? otherWeight }

  /// Whether an answer must not come without a coding.
  public var refusesIdentity: Bool { isPresent && !isMalformed && weight(of: .identity) == 0 }

  /// The best coding for an answer: of those that the client prefers, the first of `offered`.
  ///
  /// Without the field every coding will do, but nobody has asked for one, so it is none; a field that breaks its
  /// grammar is treated as if it were absent. An answer without a coding is acceptable unless the field refuses it, and
  /// is worth less than any coding that the field names or means with `*` and does not refuse.
  ///
  /// - Returns: nil where the client refuses all of `offered` and also to do without.
  public func preferred(of offered: [ContentCoding]) -> ContentCoding? {
    if !isPresent || isMalformed { return .identity }
    var best: (coding: ContentCoding, weight: Int)?
    for coding in offered where coding != .identity {
      let weight = weight(of: coding) ?? 0
      if weight > best?.weight ?? 0 { best = (coding, weight) }
    }
    guard let identity = weight(of: .identity) else { return best?.coding ?? .identity }
    guard let best else { return identity > 0 ? .identity : nil }
    // With equal weights the choice is the server's, and fewer bytes are why it offers a coding.
    return identity > best.weight ? .identity : best.coding
  }
}

extension RequestHead {
  /// What the request says about the codings of the answer.
  public var acceptEncoding: AcceptEncoding {
    var accepted = AcceptEncoding()
    forEachValue(of: "accept-encoding") { accepted.take($0) }
    return accepted
  }
}
