import Glibc
import TLS
import Testing

@Suite struct ContextTests {
  /// The error that a server's options lead to.
  private func failure(of options: TLSOptions) -> TLSError? {
    do throws(TLSError) {
      _ = try TLSContext(server: options)
      return nil
    } catch {
      return error
    }
  }

  private func isAbout(_ file: String, _ words: String, _ error: TLSError?) -> Bool {
    let text = error.map { "\($0)" } ?? "no error"
    return text.contains(file) && text.contains(words) && queueIsEmpty()
  }

  @Test("a certificate and its key make a context, and so do a chain and a key")
  func goodFiles() throws {
    let issuer = try Identity("issuer")
    for files in [try ServerFiles(), try ServerFiles("leaf", issuer: issuer)] {
      #expect(failure(of: files.options) == nil)
      #expect(queueIsEmpty())
    }
  }

  @Test("a file that cannot be read is named, with the system's reason")
  func unreadableFiles() throws {
    let files = try ServerFiles()
    var options = files.options
    options.certificateFile = files.folder.path + "/absent.pem"
    #expect(
      failure(of: options)
        == .certificate(file: options.certificateFile, reason: "No such file or directory"))
    options = files.options
    options.keyFile = files.folder.path + "/absent.pem"
    #expect(failure(of: options) == .key(file: options.keyFile, reason: "No such file or directory"))
    options = files.options
    options.clientAuthoritiesFile = files.folder.path + "/absent.pem"
    #expect(isAbout("absent.pem", "No such file", failure(of: options)))
    options = files.options
    options.keyFile = files.folder.path
    #expect(isAbout(files.folder.path, "private key", failure(of: options)))
    options = files.options
    options.certificateFile = files.folder.path
    #expect(isAbout(files.folder.path, "certificate chain", failure(of: options)))
    #expect(queueIsEmpty())
  }

  @Test("a file that holds something else is named, with OpenSSL's reason")
  func wrongFiles() throws {
    let files = try ServerFiles()
    let other = files.folder.file("other.pem", "hello\n")
    let cut = files.folder.file("cut.pem", String(files.identity.chain.dropLast(100)))
    let cutKey = files.folder.file("cut-key.pem", String(files.identity.keyText.dropLast(60)))
    let empty = files.folder.file("empty.pem", "")
    for file in [other, cut, empty, files.keyFile] {
      var options = files.options
      options.certificateFile = file
      guard case .certificate(file, let reason) = failure(of: options) else {
        Issue.record("\(file) as a certificate: \(String(describing: failure(of: options)))")
        continue
      }
      #expect(!reason.isEmpty && reason != "no reason given")
    }
    for file in [other, cutKey, empty, files.certificateFile] {
      var options = files.options
      options.keyFile = file
      guard case .key(file, let reason) = failure(of: options) else {
        Issue.record("\(file) as a key: \(String(describing: failure(of: options)))")
        continue
      }
      #expect(!reason.isEmpty && reason != "no reason given")
    }
    for file in [other, empty, files.keyFile] {
      var options = files.options
      options.clientAuthoritiesFile = file
      guard case .authorities(file, _) = failure(of: options) else {
        Issue.record("\(file) as authorities: \(String(describing: failure(of: options)))")
        continue
      }
    }
    #expect(queueIsEmpty())
  }

  @Test("a key under a passphrase is refused, and nobody is asked for it")
  func lockedKey() throws {
    let files = try ServerFiles()
    var options = files.options
    options.keyFile = files.folder.file("locked.pem", files.identity.lockedKeyText)
    #expect(isAbout("locked.pem", "private key", failure(of: options)))
    guard case .key(options.keyFile, _) = failure(of: options) else {
      Issue.record("accepted, or taken for something else")
      return
    }
  }

  @Test("a key that is not the certificate's is told apart from one that cannot be read")
  func strangeKey() throws {
    let files = try ServerFiles()
    let others = try ServerFiles()
    var options = files.options
    options.keyFile = others.keyFile
    let reason = "key values mismatch (x509 certificate routines)"
    #expect(
      failure(of: options)
        == .mismatch(certificate: files.certificateFile, key: others.keyFile, reason: reason))
    #expect(
      failure(of: options).map { "\($0)" }
        == "the private key in “\(others.keyFile)” does not belong to the certificate in "
        + "“\(files.certificateFile)”: \(reason)")
  }

  @Test("a client's context names its files too")
  func clientFiles() throws {
    var options = TLSClientOptions()
    options.authoritiesFile = "/nowhere/authorities.pem"
    #expect(throws: TLSError.self) { try TLSContext(client: options) }
    options.authoritiesFile = nil
    options.identity = ("/nowhere/certificate.pem", "/nowhere/key.pem")
    #expect(
      throws: TLSError.certificate(file: "/nowhere/certificate.pem", reason: "No such file or directory")
    ) { try TLSContext(client: options) }
    #expect(queueIsEmpty())
  }
}
