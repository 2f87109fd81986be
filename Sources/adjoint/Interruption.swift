import Adjoint
import Glibc

/// Leaving at once when the user or the system asks for it.
enum Interruption {
  /// Takes the signals on a thread of its own, which may do more than a handler. To be called before other threads start.
  static func watch() {
    // Whoever starts this program may have it ignore the signal.
    signal(SIGINT, SIG_DFL)
    var signals = awaited
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        var signals = Interruption.awaited
        var number: Int32 = 0
        while sigwait(&signals, &number) != 0 {}
        Interruption.leave(number)
      }, nil)
  }

  private static var awaited: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    return signals
  }

  /// Files are renamed into place when whole, so what is finished stays.
  private static func leave(_ number: Int32) -> Never {
    if ProgressBar.isVisible.load(ordering: .relaxed) { write(STDERR_FILENO, "\n", 1) }
    removeUnfinishedFiles { _exit(128 + number) }
  }
}
