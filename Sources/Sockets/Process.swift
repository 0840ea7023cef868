import CSystem
import Glibc

/// What a server asks of the process it runs in.
public enum Process {
  /// Makes writing to a closed connection an error of that write instead of the end of the process.
  public static func ignoreBrokenPipes() {
    signal(SIGPIPE, SIG_IGN)
  }

  /// Lets the process have `count` open descriptors, or as many as the system allows it; shells and containers
  /// often start with 1024.
  ///
  /// - Returns: how many it may have now.
  public static func allowDescriptors(_ count: Int) -> Int {
    Int(clamping: csystem_raise_descriptor_limit(UInt64(max(0, count))))
  }

  /// The processor time taken so far, by all threads together.
  public static var processorNanoseconds: Int { Int(csystem_process_nanoseconds()) }

  /// The bytes of memory that the process has in use, and in its address space; nil where /proc does not say.
  public static var memory: (resident: Int, virtual: Int)? {
    guard let bytes = try? File.read("/proc/self/statm", limit: 4096) else { return nil }
    let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ").prefix(2).compactMap { Int($0) }
    guard pages.count == 2 else { return nil }
    let size = sysconf(Int32(_SC_PAGESIZE))
    return (pages[1] * size, pages[0] * size)
  }

  /// Gives the memory that was freed back to the system.
  ///
  /// malloc keeps what a burst of large requests freed, some hundred megabytes, for the next one. This costs
  /// milliseconds after such a burst, and is for a moment without work.
  public static func returnFreeMemory() {
    csystem_return_free_memory()
  }
}
