import CSystem
import Glibc

/// A POSIX thread of this process, which must be joined or detached.
public struct Thread: Sendable {
  private let handle: pthread_t

  private final class Work: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts `body` on a new thread called `name`. All signals are blocked there, so that they go to the thread
  /// that waits for them.
  public nonisolated init(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    var handle = pthread_t()
    let work = Unmanaged.passRetained(Work(name: name, body: body))
    let failure = pthread_create(
      &handle, nil,
      { argument in
        guard let argument else { return nil }
        let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        csystem_name_thread(work.name)
        work.body()
        return nil
      }, work.toOpaque())
    if failure != 0 {
      work.release()
      throw .call("pthread_create", errno: failure)
    }
    self.handle = handle
  }

  /// Waits until the thread has ended. To be called once.
  public func join() {
    pthread_join(handle, nil)
  }

  /// Lets the thread end on its own. To be called instead of `join`.
  public func detach() {
    pthread_detach(handle)
  }
}
