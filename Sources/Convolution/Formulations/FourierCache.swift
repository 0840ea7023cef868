import Synchronization

/// The transforms that were planned last, with their tables, for all threads: a table of roots takes as long to make as a
/// transform to run.
///
/// At most `mostEntries` are kept, and none whose tables are larger than `mostBytes`; of those, what was planned first is
/// forgotten first. Whoever uses a transform keeps it alive.
package enum FourierCache {
  private static let mostEntries = 32
  private static let mostBytes = 1 << 17

  private struct Entry {
    let type: ObjectIdentifier
    let size: Extent
    let variant: KernelVariant
    let transform: any AnyObject & Sendable
  }

  private static let entries = Mutex<[Entry]>([])

  /// The transform of blocks of `size`.
  package static func transform<Scalar: FourierRing>(_: Scalar.Type, size: Extent) -> FourierTransform<Scalar>
  {
    let (type, variant) = (ObjectIdentifier(Scalar.self), KernelVariant.selected)
    let found = entries.withLock { entries in
      entries.first { $0.type == type && $0.size == size && $0.variant == variant }?.transform
    }
    if let found = found as? FourierTransform<Scalar> { return found }
    let made = FourierTransform<Scalar>(size: size)
    let bytes = FourierTransform<Scalar>.tableBytes(size, scalarByteCount: MemoryLayout<Scalar>.stride)
    if bytes <= mostBytes {
      entries.withLock { entries in
        if entries.count == mostEntries { entries.removeFirst() }
        entries.append(Entry(type: type, size: size, variant: variant, transform: made))
      }
    }
    return made
  }
}
