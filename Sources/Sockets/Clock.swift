import CSystem

/// Cheap clocks, as fresh as the kernel's last tick.
public enum Clock {
  /// Milliseconds since some fixed moment; never runs backwards.
  public static var milliseconds: Int { Int(csystem_monotonic_milliseconds()) }

  /// Nanoseconds since the same moment, exactly, for some twenty of them.
  public static var nanoseconds: Int { Int(csystem_monotonic_nanoseconds()) }

  /// Milliseconds since 1970 in UTC.
  public static var unixMilliseconds: Int { Int(csystem_unix_milliseconds()) }

  /// Seconds since 1970 in UTC.
  public static var unixSeconds: Int { Int(csystem_unix_seconds()) }
}
