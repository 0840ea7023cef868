public import Convolution
import Synchronization

/// One at a time chooses a variant of the kernels, since the choice is the process's.
private let choosing = Mutex<Void>(())

/// Calls `body` for each variant that this processor can run, while that is the chosen one. What is made meanwhile keeps to it;
/// tests beside this one may be given any variant, which must not matter to them.
public func withEveryVariant<Failure: Error>(
  _ body: (KernelVariant) throws(Failure) -> Void
) throws(Failure) {
  try choosing.withLock { _ throws(Failure) in
    let before = KernelVariant.selected
    defer { before.select() }
    for variant in KernelVariant.available {
      variant.select()
      try body(variant)
    }
  }
}
