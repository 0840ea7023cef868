import CSystem
import Glibc

/// A level-triggered epoll instance; what it watches is known by tokens of the caller's choice.
///
/// Unchecked: the events belong to this one value, and `wait` is called by one thread.
public struct Poller: ~Copyable, @unchecked Sendable {
  /// What is watched for. Hang-ups and errors are always reported.
  public struct Interest: OptionSet, Sendable {
    /// The bits of epoll.
    public let rawValue: UInt32

    /// The interest with the bits of `rawValue`.
    public init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// Bytes, a connection or the end of the stream can be read.
    public static let reading = Interest(rawValue: EPOLLIN.rawValue)
    /// There is room to write.
    public static let writing = Interest(rawValue: EPOLLOUT.rawValue)
    /// Both directions are down, or the socket has an error.
    public static let broken = Interest(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
  }

  private let epoll: Descriptor
  private let events: UnsafeMutableBufferPointer<epoll_event>

  /// A poller that reports at most `batch` events at a time.
  public init(batch: Int = 256) throws(SystemError) {
    epoll = try SystemCall.makeEpoll()
    events = .allocate(capacity: batch)
  }

  deinit {
    events.deallocate()
  }

  /// Waits up to `milliseconds` (-1: for ever) and calls `handle` with the token and state of each event.
  public borrowing func wait(
    milliseconds: Int32, _ handle: (UInt64, Interest) -> Void
  ) throws(SystemError) {
    let count = try SystemCall.wait(epoll, events, milliseconds: milliseconds)
    for index in 0..<count {
      let event = events[index]
      handle(event.data.u64, Interest(rawValue: event.events))
    }
  }

  /// Starts watching a connection.
  public borrowing func add(
    _ socket: borrowing Connected, _ interest: Interest, token: UInt64
  ) throws(SystemError) {
    try control(EPOLL_CTL_ADD, socket.descriptor, interest, token)
  }

  /// Changes what a connection is watched for.
  public borrowing func change(
    _ socket: borrowing Connected, _ interest: Interest, token: UInt64
  ) throws(SystemError) {
    try control(EPOLL_CTL_MOD, socket.descriptor, interest, token)
  }

  /// Starts watching a listener.
  public borrowing func add(_ listener: borrowing Listener, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_ADD, listener.descriptor, .reading, token)
  }

  /// Watches a listener, or leaves it alone for a while.
  public borrowing func change(
    _ listener: borrowing Listener, _ interest: Interest, token: UInt64
  ) throws(SystemError) {
    try control(EPOLL_CTL_MOD, listener.descriptor, interest, token)
  }

  /// Starts watching a bell.
  public borrowing func add(_ bell: borrowing Bell, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_ADD, bell.descriptor, .reading, token)
  }

  private borrowing func control(
    _ operation: Int32, _ descriptor: borrowing Descriptor, _ interest: Interest, _ token: UInt64
  ) throws(SystemError) {
    let event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
    try SystemCall.control(epoll, operation, descriptor, event)
  }
}

/// An eventfd, with which any thread wakes the one that waits at a poller.
public struct Bell: ~Copyable, Sendable {
  let descriptor: Descriptor

  /// A silent bell.
  public init() throws(SystemError) {
    descriptor = try SystemCall.makeEvent()
  }

  /// Rings until somebody calls `silence`.
  public borrowing func ring() { SystemCall.signal(descriptor) }

  /// Stops ringing.
  public borrowing func silence() { SystemCall.clear(descriptor) }
}
