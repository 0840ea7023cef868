import ArgumentParser
import Convolution
import Serving

/// Which kernels compute, set by flag or by environment.
struct KernelSettings: ParsableArguments {
  private static let available = KernelVariant.available

  private static let kernels = Setting(
    name: "kernels", fallback: available[available.count - 1], unit: "name",
    purpose:
      "The instruction set of the inner loops: sse2, avx2, avx512 or neon, where the processor has it.",
    read: { name in available.first { $0.rawValue == name } },
    expected: "one that this processor has: \(available.map(\.rawValue).joined(separator: ", "))")

  @Option(help: Self.kernels.help(default: "the newest that the processor has")) var kernels: String?

  /// The variant asked for, or the newest.
  ///
  /// - Throws: `ValidationError` naming the flag or variable, and what is available.
  func variant() throws -> KernelVariant { try Self.kernels.resolve(flag: kernels) }

  func validate() throws { _ = try variant() }
}
