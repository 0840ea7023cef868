import CZlib

/// What deflated data (RFC 1951) are wrapped in.
public enum CompressionFormat: Sendable, CaseIterable {
  /// RFC 1952: one or more members, each with a checksum. HTTP's `gzip` and `x-gzip` (RFC 9110 section 8.4.1.3).
  case gzip
  /// RFC 1950. HTTP's `deflate` (RFC 9110 section 8.4.1.2), which some senders, as the same section notes, take for
  /// the bare data without a wrapper: an inflater accepts both, a deflater makes the one that is meant.
  case zlib

  /// zlib's code for the format with the largest window.
  var windowBits: Int32 {
    switch self {
    case .gzip: MAX_WBITS + 16
    case .zlib: MAX_WBITS
    }
  }
}
