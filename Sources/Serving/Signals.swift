import Glibc

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
    switch signal {
    case SIGHUP: return .reload
    case SIGTERM: return .end("SIGTERM")
    default: return .end("SIGINT")
    }
  }
}
