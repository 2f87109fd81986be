import Adjoint
import Dispatch
import Glibc
import Synchronization

/// One line on standard error about anything that takes over two seconds; nothing when that is no terminal.
final class ProgressBar: Sendable {
  /// Whether the line is on the screen, for the handler of interrupts.
  static let isVisible = Atomic<Bool>(false)

  private struct State {
    var words = ""
    var total: Int?
    var done = 0
    var start = ContinuousClock.now
    var isRunning = false
  }

  private let state = Mutex(State())
  private let timer: Ticker?

  init() {
    guard isatty(STDERR_FILENO) == 1 else {
      timer = nil
      return
    }
    let drawing = Ticker()
    timer = drawing
    drawing.start { [weak self] in self?.draw() }
  }

  deinit { timer?.stop() }

  /// Starts a phase. Without a total only its time is shown.
  func begin(_ words: String, total: Int?) {
    state.withLock { state in
      if state.words == words && state.total == total { return }
      Self.clear()
      state = State(words: words, total: total, isRunning: true)
    }
  }

  func update(_ done: Int) { state.withLock { $0.done = done } }

  /// Prints a line of results above the bar.
  func print(_ line: String, to stream: StandardStream = .output) throws(FileError) {
    try state.withLock { _ throws(FileError) in
      Self.clear()
      try stream.writeLine(line)
    }
  }

  func end() {
    state.withLock { state in
      Self.clear()
      state.isRunning = false
    }
  }

  /// A bar that cannot be drawn is no reason to stop.
  private static func show(_ text: String) { try? StandardStream.error.writeUnchanged(text) }

  private static func clear() {
    if isVisible.exchange(false, ordering: .relaxed) { show("\r\u{1b}[K") }
  }

  private func draw() {
    state.withLock { state in
      let elapsed = Double((ContinuousClock.now - state.start).components.seconds)
      guard state.isRunning, elapsed >= 2 else { return }
      var line = state.words
      if let total = state.total, total > 0 {
        let share = Double(state.done) / Double(total)
        let filled = Int(24 * share)
        line +=
          " [" + String(repeating: "#", count: filled) + String(repeating: ".", count: 24 - filled)
          + "] \(state.done)/\(total)"
        if state.done > 0 { line += ", \(Self.clock(elapsed * (1 / share - 1))) left" }
      } else {
        line += ", \(Self.clock(elapsed))"
      }
      Self.show("\r\(line)\u{1b}[K")
      Self.isVisible.store(true, ordering: .relaxed)
    }
  }

  private static func clock(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return whole < 60 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
  }
}

/// Calls back five times a second, on a queue of its own.
private struct Ticker: Sendable {
  private let queue = DispatchQueue(label: "progress")
  private let isStopped = Flag()

  private final class Flag: Sendable { let value = Atomic<Bool>(false) }

  func start(_ tick: @escaping @Sendable () -> Void) {
    queue.asyncAfter(deadline: .now() + 0.2) { [self] in
      guard !isStopped.value.load(ordering: .relaxed) else { return }
      tick()
      start(tick)
    }
  }

  func stop() { isStopped.value.store(true, ordering: .relaxed) }
}
