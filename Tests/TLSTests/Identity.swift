import COpenSSL
import Glibc

/// A folder that goes away with this value.
final class Folder {
  let path: String

  init() {
    var template = Array("/tmp/convcheck-tls-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { room in
      room.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/nowhere"
    }
  }

  deinit {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != "." && name != ".." { unlink("\(path)/\(name)") }
      }
      closedir(folder)
    }
    rmdir(path)
  }

  /// Writes a file and gives its path.
  func file(_ name: String, _ text: String) -> String {
    let path = "\(self.path)/\(name)"
    if let file = fopen(path, "w") {
      fputs(text, file)
      fclose(file)
    }
    return path
  }
}

/// A new key with a certificate for it, made by OpenSSL.
final class Identity {
  private let key: OpaquePointer
  private let certificate: OpaquePointer
  private let issuer: Identity?

  /// `name` becomes the certificate's common name; without an `issuer` the certificate is signed with its own key.
  init(_ name: String, issuer: Identity? = nil, serial: Int = 1) throws {
    self.issuer = issuer
    guard let maker = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil), let certificate = X509_new() else {
      throw Failure.openssl
    }
    defer { EVP_PKEY_CTX_free(maker) }
    var made: OpaquePointer?
    guard EVP_PKEY_keygen_init(maker) == 1,
      EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker, NID_X9_62_prime256v1) == 1,
      EVP_PKEY_keygen(maker, &made) == 1, let key = made
    else { throw Failure.openssl }
    self.key = key
    self.certificate = certificate
    // Version 1: such a certificate may sign others where it is signed with its own key.
    X509_set_version(certificate, 0)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial)
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600)
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600)
    X509_set_pubkey(certificate, key)
    let subject = X509_get_subject_name(certificate)
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0)
    X509_set_issuer_name(certificate, issuer.map { X509_get_subject_name($0.certificate) } ?? subject)
    guard X509_sign(certificate, issuer?.key ?? key, EVP_sha256()) > 0 else { throw Failure.openssl }
  }

  deinit {
    X509_free(certificate)
    EVP_PKEY_free(key)
  }

  enum Failure: Error {
    case openssl
  }

  /// The certificate and those of its issuers, in PEM.
  var chain: String {
    Self.text { PEM_write_bio_X509($0, certificate) } + (issuer?.chain ?? "")
  }

  /// The key in PEM.
  var keyText: String {
    Self.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
  }

  /// The key in PEM under a passphrase.
  var lockedKeyText: String {
    let phrase = Array("secret".utf8)
    return Self.text {
      PEM_write_bio_PrivateKey($0, key, EVP_aes_128_cbc(), phrase, Int32(phrase.count), nil, nil)
    }
  }

  private static func text(_ write: (OpaquePointer) -> Int32) -> String {
    guard let memory = BIO_new(BIO_s_mem()) else { return "" }
    defer { BIO_free(memory) }
    guard write(memory) == 1 else { return "" }
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    let count = BIO_read(memory, &bytes, Int32(bytes.count))
    return String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self)
  }
}
