public import Convolution

/// Calls `body` with each instruction set that this processor has, while operators are made for it.
public func withEveryVariant(_ body: (KernelVariant) throws -> Void) rethrows {
  let chosen = KernelVariant.selected
  defer { chosen.select() }
  for variant in KernelVariant.available {
    variant.select()
    try body(variant)
  }
}
