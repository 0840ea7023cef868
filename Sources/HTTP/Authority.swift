/// The host and port of a Host field or of a target (RFC 9110 section 7.2, RFC 3986 section 3.2).
enum Authority {
  /// Whether `bytes` is `uri-host [ ":" port ]`. User information has no place in it (RFC 9110 section 4.2.4);
  /// the host may be empty.
  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let end = hostLength(bytes) else { return false }
    if end == bytes.count { return true }
    return bytes[end] == Bytes.colon && isPort(UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...]))
  }

  /// Whether `bytes` is `uri-host ":" port` with neither of them empty: the target of CONNECT (RFC 9112 section
  /// 3.2.3).
  static func isComplete(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let end = hostLength(bytes), end > 0, end + 1 < bytes.count else { return false }
    return isValid(bytes)
  }

  /// How many bytes of `bytes` are the host; nil where no host stands there. What follows is not looked at.
  private static func hostLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
    if bytes.first == UInt8(ascii: "[") {
      guard let close = bytes.firstIndex(of: UInt8(ascii: "]")),
        isIPv6(UnsafeRawBufferPointer(rebasing: bytes[1..<close]))
      else { return nil }
      return close + 1
    }
    var index = 0
    while index < bytes.count, bytes[index] != Bytes.colon {
      if bytes[index] == UInt8(ascii: "%") {
        guard index + 2 < bytes.count, Bytes.hexadecimal(bytes[index + 1]) != nil,
          Bytes.hexadecimal(bytes[index + 2]) != nil
        else { return nil }
        index += 3
      } else {
        guard isNameByte(bytes[index]) else { return nil }
        index += 1
      }
    }
    return index
  }

  /// RFC 3986 section 3.2.3 has any digits, or none; RFC 9293 section 3.1 has sixteen bits.
  private static func isPort(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= 5 else { return false }
    var port = 0
    for byte in bytes {
      guard Bytes.isDigit(byte) else { return false }
      port = port * 10 + Int(byte &- 0x30)
    }
    return port <= 0xFFFF
  }

  /// `unreserved` and `sub-delims` of RFC 3986: the token bytes but `#`, `%`, `^`, `` ` ``, `|`, and `(),;=`.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "#"), UInt8(ascii: "%"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"): false
    case UInt8(ascii: "("), UInt8(ascii: ")"), Bytes.comma, UInt8(ascii: ";"), UInt8(ascii: "="): true
    default: Bytes.isToken(byte)
    }
  }

  /// `IPv6address` of RFC 3986 section 3.2.2: eight groups of one to four hexadecimal digits, of which one run
  /// may be left out as `::` and the last two written as an IPv4 address. IPvFuture has no member yet and no
  /// place here; nor have zones, which mean nothing to another machine.
  private static func isIPv6(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var (index, groups, hasGap) = (0, 0, false)
    if bytes.starts(with: [Bytes.colon, Bytes.colon]) {
      hasGap = true
      index = 2
      if bytes.count == 2 { return true }
    }
    while true {
      let start = index
      while index < bytes.count, index - start < 4, Bytes.hexadecimal(bytes[index]) != nil { index += 1 }
      if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
        guard isIPv4(UnsafeRawBufferPointer(rebasing: bytes[start...])) else { return false }
        groups += 2
        break
      }
      guard index > start else { return false }
      groups += 1
      if index == bytes.count { break }
      guard bytes[index] == Bytes.colon, index + 1 < bytes.count else { return false }
      index += 1
      if bytes[index] == Bytes.colon {
        guard !hasGap else { return false }
        hasGap = true
        index += 1
        if index == bytes.count { break }
      }
    }
    return hasGap ? groups < 8 : groups == 8
  }

  /// Four numbers of at most 255, without leading zeros.
  private static func isIPv4(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let octets = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return octets.count == 4
      && octets.allSatisfy { octet in
        (1...3).contains(octet.count) && octet.allSatisfy { Bytes.isDigit($0) }
          && (octet.count == 1 || octet.first != 0x30)
          && octet.reduce(0, { $0 * 10 + Int($1 &- 0x30) }) <= 255
      }
  }
}
