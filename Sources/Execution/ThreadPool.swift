import CPlatform
import Glibc

/// Threads that run the steps of programs together; the calling thread is one of them.
///
/// The threads meet at a board where each claims chunks of the current step. Between steps they spin for a few microseconds
/// and then sleep, so that a run needs one wake-up and a waiting pool costs nothing. A thread that the machine does not
/// schedule is not waited for unless it is in the middle of a chunk. Which thread runs a chunk never shows in results.
///
/// Every thread, the caller included, rounds to nearest and flushes denormals to zero while it runs steps; the caller's
/// floating-point control is restored afterwards.
public final class ThreadPool: @unchecked Sendable {
  /// Threads that run steps, the caller included.
  public let threadCount: Int
  private let board: OpaquePointer?
  private let workers: [KernelThread]

  /// Processors that this process may use.
  public static var usableProcessorCount: Int { max(1, Int(platform_usable_processor_count())) }

  /// Starts `threadCount - 1` workers; fewer when the system refuses more threads.
  public init(threadCount requested: Int = ThreadPool.usableProcessorCount) {
    // Spinning only helps when the thread waited for has a processor of its own.
    let spinNanoseconds: Int = requested > ThreadPool.usableProcessorCount ? 1_000 : 40_000
    var workers: [KernelThread] = []
    board = requested > 1 ? platform_board_create(spinNanoseconds) : nil
    if let board {
      for index in 1..<requested {
        guard let worker = startWorker(board: board, index: UInt32(index)) else { break }
        workers.append(worker)
      }
    }
    self.workers = workers
    threadCount = 1 + workers.count
  }

  deinit {
    guard let board else { return }
    platform_board_stop(board)
    for worker in workers { worker.join() }
    platform_board_destroy(board)
  }

  /// Calls `body` with ranges that cover `0..<taskCount` exactly once, on all threads, and returns when all are done.
  ///
  /// A call from inside `body`, or while another thread uses the pool, runs on its own thread alone.
  public func parallel(_ taskCount: Int, _ body: @Sendable (Range<Int>) -> Void) {
    guard taskCount > 0 else { return }
    withoutActuallyEscaping(body) { body in
      var closure = RangeBody(call: body)
      withUnsafeMutablePointer(to: &closure) { closure in
        var operand: UnsafeMutablePointer<CChar>? = UnsafeMutableRawPointer(closure).assumingMemoryBound(to: CChar.self)
        withUnsafePointer(to: &operand) { operands in
          var step = platform_step(
            kernel: { operands, first, end, _ in
              guard let closure = operands?[0] else { return }
              UnsafeRawPointer(closure).assumingMemoryBound(to: RangeBody.self).pointee.call(first..<end)
            },
            operands: operands, error: nil, task_count: taskCount, chunk_count: chunkCount(taskCount: taskCount))
          withUnsafePointer(to: &step) { run(UnsafeBufferPointer(start: $0, count: 1)) }
        }
      }
    }
  }

  /// Runs the steps in order, each after the one before it is complete.
  func run(_ steps: UnsafeBufferPointer<platform_step>) {
    let control = platform_flush_denormals()
    defer { platform_restore_float_control(control) }
    if let board, threadCount > 1, platform_board_try_enter(board) {
      platform_board_run(board, steps.baseAddress, steps.count)
      platform_board_leave(board)
    } else {
      platform_run_alone(steps.baseAddress, steps.count)
    }
  }

  /// Into how many chunks to cut a step.
  ///
  /// Several per thread, but none shorter than claiming and finishing it costs: at 4,000 operations and bytes that is about a
  /// microsecond where arithmetic is slow. Up to 128 per thread where each still has a million, since a thread can lose its
  /// processor, or share its core with another guest of the machine, and is waited for in its last chunk.
  func chunkCount(taskCount: Int, operationsAndBytes: Int? = nil) -> UInt32 {
    guard threadCount > 1 else { return 1 }
    var chunks: Int = threadCount * 8
    if let operationsAndBytes {
      if operationsAndBytes < 8_000 { return 1 }
      chunks = max(min(chunks, operationsAndBytes / 4_000), min(threadCount * 128, operationsAndBytes / 1_000_000))
    }
    return UInt32(min(chunks, taskCount, Int(platform_maximum_chunk_count)))
  }
}

private struct RangeBody {
  let call: @Sendable (Range<Int>) -> Void
}

/// Starts a worker with all signals blocked: handlers run on the program's own threads.
private func startWorker(board: OpaquePointer, index: UInt32) -> KernelThread? {
  var all = sigset_t()
  var previous = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_SETMASK, &all, &previous)
  defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
  nonisolated(unsafe) let board = board
  return KernelThread {
    _ = platform_flush_denormals()
    platform_board_work(board, index)
  }
}
