/// Why the program ends with status 1, as one sentence for standard error.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
