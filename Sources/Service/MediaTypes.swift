/// Whether the media type of a Content-Type field is JSON: `application/json`, or a type with the suffix
/// `+json` (RFC 6839 section 3.1); parameters are ignored, as RFC 8259 section 11 defines none.
func isJSON(contentType: String) -> Bool {
  // What nearly every client sends needs no taking apart.
  if contentType == "application/json" { return true }
  let type = trimmed(contentType.prefix { $0 != ";" }).lowercased()
  return type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
}

/// Whether the media type of a Content-Type field is that of one array in NumPy's file format; parameters are ignored.
func isNumPy(contentType: String) -> Bool {
  // What nearly every client sends needs no taking apart.
  if contentType == "application/json" { return false }
  return trimmed(contentType.prefix { $0 != ";" }).lowercased() == "application/x-npy"
}

/// Which of the media types `offered` an Accept field likes best: the first among equals, nil where it admits none.
func preferred(_ field: String, among offered: [StaticString]) -> StaticString? {
  if field == "*/*" { return offered.first }
  var best: (type: StaticString, weight: Int)?
  for type in offered {
    let weight = weight(of: type, in: field)
    if weight > best?.weight ?? 0 { best = (type, weight) }
  }
  return best?.type
}

/// How much an Accept field wants `offered`, in thousandths, by the most specific range that matches it (RFC 9110
/// section 12.5.1); 0 where it does not. Members that are no media range admit nothing.
private func weight(of offered: StaticString, in field: String) -> Int {
  let offered = "\(offered)"
  let offeredKind = offered.prefix { $0 != "/" }
  var bestPrecision = -1
  var weight = 0
  for member in field.split(separator: ",") {
    let parts = member.split(separator: ";", omittingEmptySubsequences: false).map {
      trimmed($0).lowercased()
    }
    let precision: Int
    switch parts[0] {
    case offered: precision = 2
    case "\(offeredKind)/*": precision = 1
    case "*/*": precision = 0
    default: continue
    }
    guard precision > bestPrecision else { continue }
    bestPrecision = precision
    let quality = parts.dropFirst().first { $0.hasPrefix("q=") }
    weight = quality.map { thousandths($0.dropFirst(2)) } ?? 1000
  }
  return weight
}

/// A weight of RFC 9110 section 12.4.2, `0` to `1` with up to three digits behind the point; anything else counts as 1.
private func thousandths(_ text: Substring) -> Int {
  let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
  let digits = parts.count > 1 ? parts[1] : ""
  guard parts[0] == "0", digits.utf8.count <= 3, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
    return 1000
  }
  return Int(digits + String(repeating: "0", count: 3 - digits.utf8.count)) ?? 1000
}

/// `text` without the optional white space of HTTP (space and tab) at both ends.
private func trimmed(_ text: Substring) -> Substring {
  var text = text.drop { $0 == " " || $0 == "\t" }
  while let last = text.last, last == " " || last == "\t" { text.removeLast() }
  return text
}
