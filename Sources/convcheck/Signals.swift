import Glibc

/// The two signals that end the server, taken off every thread so that only `next()` sees them.
struct TerminationSignals {
  private var set = sigset_t()

  /// Blocks SIGTERM and SIGINT for this thread and all threads it starts from now on.
  init() {
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Waits for the next of them and returns its customary name.
  mutating func next() -> String {
    var signal: Int32 = 0
    while sigwait(&set, &signal) != 0 {}
    return signal == SIGTERM ? "SIGTERM" : "SIGINT"
  }
}
