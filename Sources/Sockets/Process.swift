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
  public static func allowDescriptors(_ count: Int) {
    csystem_raise_descriptor_limit(UInt64(max(0, count)))
  }
}
