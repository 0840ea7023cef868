/// Whether the media type of a Content-Type field is JSON: `application/json`, or a type with the suffix
/// `+json` (RFC 6839 section 3.1); parameters are ignored, as RFC 8259 section 11 defines none.
func isJSON(contentType: String) -> Bool {
  // What nearly every client sends needs no taking apart.
  if contentType == "application/json" { return true }
  let type = trimmed(contentType.prefix { $0 != ";" }).lowercased()
  return type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
}

/// Whether an Accept field admits `offered`, by the most specific range that matches it (RFC 9110 section
/// 12.5.1). Members that are no media range admit nothing.
func accepts(_ field: String, _ offered: StaticString) -> Bool {
  if field == "*/*" { return true }
  let offered = "\(offered)"
  let offeredKind = offered.prefix { $0 != "/" }
  var bestPrecision = -1
  var admitted = false
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
    // Only a weight of zero excludes (section 12.4.2): "0", "0.", "0.0", "0.00", "0.000".
    admitted = !parts.dropFirst().contains { part in
      guard part.hasPrefix("q=") else { return false }
      return part.dropFirst(2).allSatisfy { $0 == "0" || $0 == "." }
    }
  }
  return admitted
}

/// `text` without the optional white space of HTTP (space and tab) at both ends.
private func trimmed(_ text: Substring) -> Substring {
  var text = text.drop { $0 == " " || $0 == "\t" }
  while let last = text.last, last == " " || last == "\t" { text.removeLast() }
  return text
}
