import Glibc
import Sockets

/// What the signals that a server waits for ask of it.
enum Request {
  /// The end, by SIGTERM or SIGINT.
  case end(String)
  /// To look again at its files, by SIGHUP; a terminal that closes sends it too, which is no reason to end.
  case reload
}

/// The signals of a server, taken off every thread so that only `next()` sees them.
struct Signals {
  private var set = sigset_t()

  /// Blocks SIGTERM, SIGINT and SIGHUP for this thread and all threads it starts from now on.
  init() {
    sigemptyset(&set)
    for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&set, signal) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Waits for the next of them.
  mutating func next() -> Request {
    var signal: Int32 = 0
    while sigwait(&set, &signal) != 0 {}
    return Self.request(of: signal)
  }

  /// Waits for the next of them until `end`, in milliseconds of `Clock`; nil where none came.
  mutating func next(until end: Int) -> Request? {
    while true {
      let left = end - Clock.milliseconds
      guard left > 0 else { return nil }
      var pause = timespec(tv_sec: left / 1000, tv_nsec: left % 1000 * 1_000_000)
      let signal = sigtimedwait(&set, nil, &pause)
      if signal > 0 { return Self.request(of: signal) }
    }
  }

  private static func request(of signal: Int32) -> Request {
    switch signal {
    case SIGHUP: return .reload
    case SIGTERM: return .end("SIGTERM")
    default: return .end("SIGINT")
    }
  }
}
