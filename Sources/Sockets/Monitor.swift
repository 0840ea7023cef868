import Glibc

/// A value under a lock, with a condition to wait for it to change.
public final class Monitor<Value: ~Copyable>: @unchecked Sendable {
  // Unchecked: `value` is only reached with the mutex held. Both live on the heap, because a mutex must not move.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  // The mutex keeps accesses apart.
  @exclusivity(unchecked) private var value: Value

  /// A monitor of `value`.
  public init(_ value: consuming sending Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Uses the value; waiting threads are not told.
  public func withLock<Result>(_ use: (inout Value) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return use(&value)
  }

  /// Tells one waiting thread to look again.
  public func signal() {
    pthread_cond_signal(condition)
  }

  /// Tells all waiting threads to look again.
  public func broadcast() {
    pthread_cond_broadcast(condition)
  }

  /// Waits until `use` returns something, looking again whenever told to.
  @discardableResult
  public func wait<Result>(_ use: (inout Value) -> Result?) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = use(&value) { return result }
      pthread_cond_wait(condition, mutex)
    }
  }
}
