import CSystem
import Glibc

/// What a transfer on a non-blocking descriptor came to.
public enum Transfer: Equatable, Sendable {
  /// So many bytes were moved; 0 from a read is the end of the stream.
  case bytes(Int)
  /// Nothing can be moved now; epoll will say when.
  case wouldBlock
}

/// Every system call of this package on descriptors, each with its EINTR loop, with errno read at once.
enum SystemCall {
  /// Repeats `call` while a signal interrupts it.
  @inline(__always)
  static func run<Result: SignedInteger>(
    _ name: StaticString, _ call: () -> Result
  ) throws(SystemError) -> Result {
    while true {
      let result = call()
      if result >= 0 { return result }
      let number = errno
      if number != EINTR { throw .call(name.description, errno: number) }
    }
  }

  /// As `run`, with would-block as a value.
  @inline(__always)
  static func transfer(_ name: StaticString, _ call: () -> Int) throws(SystemError) -> Transfer {
    while true {
      let result = call()
      if result >= 0 { return .bytes(result) }
      let number = errno
      if number == EAGAIN || number == EWOULDBLOCK { return .wouldBlock }
      if number != EINTR { throw .call(name.description, errno: number) }
    }
  }

  /// Closes `number`. On Linux it is closed whatever close returns, and a second try could hit a stranger's.
  static func close(_ number: Int32) {
    _ = Glibc.close(number)
  }

  static func socket(_ family: Int32, nonBlocking: Bool) throws(SystemError) -> Descriptor {
    let blocking = nonBlocking ? Int32(SOCK_NONBLOCK.rawValue) : 0
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | blocking
    return Descriptor(owning: try run("socket") { Glibc.socket(family, type, 0) })
  }

  /// Two sockets that are connected to each other, non-blocking.
  static func makePair() throws(SystemError) -> (Int32, Int32) {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    var numbers: (Int32, Int32) = (-1, -1)
    _ = try run("socketpair") {
      withUnsafeMutableBytes(of: &numbers) { room in
        socketpair(AF_UNIX, type, 0, room.assumingMemoryBound(to: Int32.self).baseAddress)
      }
    }
    return numbers
  }

  static func bind(_ descriptor: borrowing Descriptor, _ address: SocketAddress) throws(SystemError) {
    let number = descriptor.number
    _ = try run("bind") { address.withPointer { Glibc.bind(number, $0, $1) } }
  }

  static func listen(_ descriptor: borrowing Descriptor, backlog: Int32) throws(SystemError) {
    let number = descriptor.number
    _ = try run("listen") { Glibc.listen(number, backlog) }
  }

  static func localAddress(of descriptor: borrowing Descriptor) throws(SystemError) -> SocketAddress {
    let number = descriptor.number
    var address = SocketAddress()
    _ = try run("getsockname") { address.withMutablePointer { getsockname(number, $0, $1) } }
    return address
  }

  /// The next connection that waits at `listener`, non-blocking and close-on-exec; nil where none waits.
  static func accept(_ listener: borrowing Descriptor) throws(SystemError) -> Connected? {
    let number = listener.number
    var peer = sockaddr_storage()
    guard case .bytes(let accepted) = try transfer("accept4", { Int(csystem_accept(number, &peer)) }) else {
      return nil
    }
    return Connected(descriptor: Descriptor(owning: Int32(accepted)), peer: PeerAddress(peer))
  }

  static func open(_ path: String) throws(SystemError) -> Descriptor {
    Descriptor(owning: try run("open") { Glibc.open(path, O_RDONLY | O_CLOEXEC) })
  }

  /// Reads from a file; 0 bytes are its end.
  static func read(
    _ descriptor: borrowing Descriptor, _ room: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    let number = descriptor.number
    return try run("read") { Glibc.read(number, room.baseAddress, room.count) }
  }

  /// Standard error blocks, unless whoever gave it to this process has made it otherwise.
  static func writeToStandardError(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
    try transfer("write") { Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }

  /// Waits, not forever, until standard error takes bytes again.
  static func awaitStandardError() {
    var watched = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    _ = poll(&watched, 1, 1000)
  }

  /// Connects a blocking socket; the kernel gives up when the socket's send timeout has passed.
  static func connect(_ descriptor: borrowing Descriptor, _ address: SocketAddress) throws(SystemError) {
    let number = descriptor.number
    let result = address.withPointer { Glibc.connect(number, $0, $1) }
    if result == 0 { return }
    let failure = errno
    throw failure == EINPROGRESS || failure == EINTR ? .timedOut : .call("connect", errno: failure)
  }

  static func setOption<Value: BitwiseCopyable>(
    _ descriptor: borrowing Descriptor, level: Int32, _ option: Int32, to value: Value
  ) throws(SystemError) {
    let number = descriptor.number
    _ = try run("setsockopt") {
      withUnsafeBytes(of: value) { setsockopt(number, level, option, $0.baseAddress, socklen_t($0.count)) }
    }
  }

  /// A program of the classic packet filter that drops segments which open a connection: SYN without ACK, two bits
  /// of byte 13 of the TCP header, where a socket's filter begins to read.
  static let dropConnectionAttempts = [
    sock_filter(code: UInt16(BPF_LD | BPF_B | BPF_ABS), jt: 0, jf: 0, k: 13),
    sock_filter(code: UInt16(BPF_ALU | BPF_AND | BPF_K), jt: 0, jf: 0, k: 0x12),
    sock_filter(code: UInt16(BPF_JMP | BPF_JEQ | BPF_K), jt: 0, jf: 1, k: 0x02),
    sock_filter(code: UInt16(BPF_RET | BPF_K), jt: 0, jf: 0, k: 0),
    sock_filter(code: UInt16(BPF_RET | BPF_K), jt: 0, jf: 0, k: UInt32.max),
  ]

  static func attachFilter(
    _ descriptor: borrowing Descriptor, _ program: [sock_filter]
  ) throws(SystemError) {
    let number = descriptor.number
    var program = program
    _ = try run("setsockopt") {
      program.withUnsafeMutableBufferPointer { steps in
        var program = sock_fprog(len: UInt16(steps.count), filter: steps.baseAddress)
        return setsockopt(
          number, SOL_SOCKET, SO_ATTACH_FILTER, &program, socklen_t(MemoryLayout<sock_fprog>.size))
      }
    }
  }

  static func receive(
    _ descriptor: borrowing Descriptor, _ room: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Transfer {
    try receive(descriptor.number, room)
  }

  static func receive(
    _ number: Int32, _ room: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Transfer {
    try transfer("recv") { recv(number, room.baseAddress, room.count, 0) }
  }

  static func write(
    _ descriptor: borrowing Descriptor, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) throws(SystemError) -> Transfer {
    let number = descriptor.number
    var pieces = (Self.piece(first), Self.piece(second))
    return try transfer("writev") {
      withUnsafeBytes(of: &pieces) { raw in
        writev(number, raw.assumingMemoryBound(to: iovec.self).baseAddress, second.isEmpty ? 1 : 2)
      }
    }
  }

  static func send(
    _ descriptor: borrowing Descriptor, _ bytes: UnsafeRawBufferPointer
  ) throws(SystemError) -> Transfer {
    try send(descriptor.number, bytes)
  }

  static func send(_ number: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
    try transfer("send") { Glibc.send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
  }

  static func shutdownWriting(_ descriptor: borrowing Descriptor) throws(SystemError) {
    let number = descriptor.number
    _ = try run("shutdown") { shutdown(number, Int32(SHUT_WR)) }
  }

  static func resetWhenClosed(_ descriptor: borrowing Descriptor) throws(SystemError) {
    try setOption(descriptor, level: SOL_SOCKET, SO_LINGER, to: linger(l_onoff: 1, l_linger: 0))
  }

  static func makeEpoll() throws(SystemError) -> Descriptor {
    Descriptor(owning: try run("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
  }

  static func control(
    _ epoll: borrowing Descriptor, _ operation: Int32, _ descriptor: borrowing Descriptor,
    _ event: epoll_event
  ) throws(SystemError) {
    let (poller, number) = (epoll.number, descriptor.number)
    var event = event
    _ = try run("epoll_ctl") { epoll_ctl(poller, operation, number, &event) }
  }

  /// Waits for events; a signal counts as none, so that the caller looks at its clock.
  static func wait(
    _ epoll: borrowing Descriptor, _ room: UnsafeMutableBufferPointer<epoll_event>, milliseconds: Int32
  ) throws(SystemError) -> Int {
    let count = epoll_wait(epoll.number, room.baseAddress, Int32(room.count), milliseconds)
    if count >= 0 { return Int(count) }
    let number = errno
    if number == EINTR { return 0 }
    throw .call("epoll_wait", errno: number)
  }

  static func makeEvent() throws(SystemError) -> Descriptor {
    let flags = Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)
    return Descriptor(owning: try run("eventfd") { eventfd(0, flags) })
  }

  /// Adds one to an eventfd. It fails only where the counter is full, and then the reader is awake anyway.
  static func signal(_ event: borrowing Descriptor) {
    let number = event.number
    _ = try? run("write") { eventfd_write(number, 1) }
  }

  /// Empties an eventfd. It fails only where there is nothing to empty.
  static func clear(_ event: borrowing Descriptor) {
    let number = event.number
    var value: eventfd_t = 0
    _ = try? run("read") { eventfd_read(number, &value) }
  }

  private static func piece(_ bytes: UnsafeRawBufferPointer) -> iovec {
    iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
  }
}
