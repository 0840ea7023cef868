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

  /// Gives the memory that was freed back to the system.
  ///
  /// malloc keeps what a burst of large requests freed, some hundred megabytes, for the next one. This costs
  /// milliseconds after such a burst, and is for a moment without work.
  public static func returnFreeMemory() {
    csystem_return_free_memory()
  }
}
