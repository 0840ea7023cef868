/// A file descriptor and its one owner: it is closed when the value dies.
public struct Descriptor: ~Copyable, Sendable {
  let number: Int32

  /// Takes over `number`, an open descriptor that nobody else closes.
  init(owning number: Int32) {
    self.number = number
  }

  deinit {
    SystemCall.close(number)
  }
}
