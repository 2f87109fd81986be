import Glibc

/// A thread that kernels can run on, whatever stack the limits of the process give to others: they keep on it what they work
/// on, up to a second-level cache of it.
public struct KernelThread {
  private static let stackByteCount = 8 << 20
  private let thread: pthread_t

  /// Starts it; nil when the system refuses more threads.
  public init?(_ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, Self.stackByteCount)
    let start = UnsafeMutablePointer<@Sendable () -> Void>.allocate(capacity: 1)
    start.initialize(to: body)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        guard let pointer = argument?.assumingMemoryBound(to: (@Sendable () -> Void).self) else { return nil }
        let body = pointer.move()
        pointer.deallocate()
        body()
        return nil
      }, start)
    guard status == 0 else {
      start.deinitialize(count: 1)
      start.deallocate()
      return nil
    }
    self.thread = thread
  }

  /// Waits for its end.
  public func join() { pthread_join(thread, nil) }

  /// Whether the main thread's stack is limited to less.
  public static var exceedsMainThread: Bool {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &limit) == 0 else { return false }
    return limit.rlim_cur < rlim_t(stackByteCount)
  }
}
