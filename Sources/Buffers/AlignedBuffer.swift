/// A growable run of plain values whose first element stands on a 64-byte boundary (a cache line, and the
/// width of an AVX-512 register), owned by exactly one variable and freed with it.
///
/// Pixels, matrices and message bodies all live in such buffers. Elements are reached through the pointers below or
/// the checked subscript; there is no copy-on-write and no reference count.
public struct AlignedBuffer<Element: BitwiseCopyable>: ~Copyable {
  /// The boundary, in bytes, on which the first element stands.
  public static var alignment: Int { 64 }

  /// The first byte of the allocation, up to 48 bytes before the first element; nil while there is no room.
  @usableFromInline
  var allocation: UnsafeMutableRawPointer?
  @usableFromInline
  var storage: UnsafeMutablePointer<Element>
  @usableFromInline
  var filled: Int
  @usableFromInline
  var room: Int

  /// The first element. Valid while the buffer lives and until the next call that grows it.
  @inlinable
  public var base: UnsafeMutablePointer<Element> { storage }

  /// How many elements are initialised.
  @inlinable
  public var count: Int { filled }

  /// How many elements fit without moving.
  @inlinable
  public var capacity: Int { room }

  /// An empty buffer with room for `capacity` elements.
  @inlinable
  public init(capacity: Int = 0) {
    precondition(capacity >= 0, "negative capacity")
    self.room = capacity
    self.filled = 0
    (self.allocation, self.storage) = Self.allocate(capacity)
  }

  /// A buffer of `count` copies of `value`.
  @inlinable
  public init(repeating value: Element, count: Int) {
    self.init(capacity: count)
    base.initialize(repeating: value, count: count)
    self.filled = count
  }

  /// A buffer of `count` elements that `fill` must initialise, every one of them.
  @inlinable
  public init(count: Int, initializingWith fill: (UnsafeMutableBufferPointer<Element>) -> Void) {
    self.init(capacity: count)
    fill(UnsafeMutableBufferPointer(start: base, count: count))
    self.filled = count
  }

  @inlinable
  deinit {
    allocation?.deallocate()
  }

  /// The element at `index`, checked against `count`.
  @inlinable
  public subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count, "index out of range")
      return base[index]
    }
    set {
      precondition(index >= 0 && index < count, "index out of range")
      base[index] = newValue
    }
  }

  /// All elements. Valid while the buffer lives and until it grows.
  @inlinable
  public var elements: UnsafeBufferPointer<Element> {
    UnsafeBufferPointer(start: base, count: count)
  }

  /// All elements as bytes in memory order. Valid while the buffer lives and until it grows.
  @inlinable
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(elements)
  }

  /// Makes room for `additional` more elements, at least doubling when it has to move, so that a run of
  /// appends costs linear time.
  @inlinable
  public mutating func reserve(_ additional: Int) {
    if additional > capacity - count { grow(by: additional) }
  }

  /// Makes room for `additional` more elements of a run that is to end with `total`: as `reserve`, but never for
  /// more than those.
  @inlinable
  public mutating func reserve(_ additional: Int, ofTotal total: Int) {
    if additional > capacity - count { move(to: max(count + additional, min(total, capacity * 2))) }
  }

  @inlinable
  mutating func grow(by additional: Int) {
    move(to: max(count + additional, capacity * 2, 64 / max(1, MemoryLayout<Element>.stride)))
  }

  @inlinable
  mutating func move(to wanted: Int) {
    let (allocation, moved) = Self.allocate(wanted)
    moved.moveInitialize(from: base, count: count)
    self.allocation?.deallocate()
    self.allocation = allocation
    storage = moved
    room = wanted
  }

  /// Adds one element at the end.
  @inlinable
  public mutating func append(_ element: Element) {
    reserve(1)
    (base + count).initialize(to: element)
    filled += 1
  }

  /// Adds the elements of `other` at the end. `other` must not be part of this buffer.
  @inlinable
  public mutating func append(contentsOf other: UnsafeBufferPointer<Element>) {
    guard let source = other.baseAddress else { return }
    reserve(other.count)
    (base + count).initialize(from: source, count: other.count)
    filled += other.count
  }

  /// Lets `fill` write up to `limit` elements behind the last one and return how many it wrote.
  ///
  /// - Returns: what `fill` returned.
  @inlinable
  @discardableResult
  public mutating func append<Failure: Error>(
    upTo limit: Int, with fill: (UnsafeMutableBufferPointer<Element>) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    reserve(limit)
    let written = try fill(UnsafeMutableBufferPointer(start: base + count, count: limit))
    precondition(written >= 0 && written <= limit, "wrote outside the reserved room")
    filled += written
    return written
  }

  /// Forgets the first `amount` elements and moves the rest to the front.
  @inlinable
  public mutating func removeFirst(_ amount: Int) {
    precondition(amount >= 0 && amount <= count, "removes more than there is")
    if amount == 0 { return }
    base.update(from: base + amount, count: count - amount)
    filled -= amount
  }

  /// Forgets all elements behind the first `kept`; the room stays.
  @inlinable
  public mutating func truncate(to kept: Int) {
    precondition(kept >= 0 && kept <= count, "truncates to more than there is")
    filled = kept
  }

  /// Forgets all elements and, where the room exceeds `capacityLimit`, gives it back.
  @inlinable
  public mutating func clear(keepingAtMost capacityLimit: Int) {
    filled = 0
    if capacity > capacityLimit {
      allocation?.deallocate()
      room = 0
      (allocation, storage) = Self.allocate(0)
    }
  }

  @inlinable
  static func allocate(_ capacity: Int) -> (UnsafeMutableRawPointer?, UnsafeMutablePointer<Element>) {
    let (byteCount, overflow) = capacity.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    precondition(!overflow && byteCount <= Int.max - alignment, "buffer size overflows")
    if byteCount == 0 {
      // An address that is aligned and never read, so that an empty buffer costs nothing.
      return (nil, UnsafeMutablePointer(bitPattern: alignment).unsafelyUnwrapped)
    }
    // malloc aligns to 16 bytes; asking it for a larger boundary costs several times as much as skipping to one.
    let allocation = UnsafeMutableRawPointer.allocate(byteCount: byteCount + alignment - 16, alignment: 16)
    let aligned = allocation.alignedUp(toMultipleOf: alignment)
    return (allocation, aligned.bindMemory(to: Element.self, capacity: capacity))
  }
}

/// The one owner may hand its buffer to another thread; nobody else can see it.
extension AlignedBuffer: @unchecked Sendable where Element: Sendable {}

/// Bytes on their way in or out.
public typealias ByteBuffer = AlignedBuffer<UInt8>

extension AlignedBuffer where Element == UInt8 {
  /// Appends the bytes of a string known at compile time.
  @inlinable
  public mutating func append(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends the UTF-8 of `text`.
  @inlinable
  public mutating func append(text: String) {
    var text = text
    text.withUTF8 { append(contentsOf: $0) }
  }
}
