import CPlatform
import Execution
import Glibc
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
  /// How often `parallel` visits each task.
  static func visits(of taskCount: Int, in pool: ThreadPool) -> [Int32] {
    var visits = [Int32](repeating: 0, count: taskCount)
    visits.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer
      pool.parallel(taskCount) { range in
        for task in range { buffer[task] += 1 }
      }
    }
    return visits
  }

  @Test("Every task runs exactly once", arguments: [1, 2, 3, 4, 8])
  func coverage(threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    #expect(pool.threadCount == threadCount)
    for taskCount in Array(0...40) + [100, 1000, 100_000] {
      #expect(Self.visits(of: taskCount, in: pool).allSatisfy { $0 == 1 }, "\(taskCount) tasks")
    }
  }

  @Test("Thousands of calls in a row lose and repeat nothing", arguments: [1, 2, 4])
  func repetition(threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    for call in 0..<4000 {
      let taskCount: Int = 1 + call % 37
      #expect(Self.visits(of: taskCount, in: pool).allSatisfy { $0 == 1 }, "call \(call)")
    }
  }

  @Test func aPoolThatHasSleptWakesUp() {
    let pool = ThreadPool(threadCount: 2)
    for _ in 0..<50 {
      #expect(Self.visits(of: 64, in: pool).allSatisfy { $0 == 1 })
      usleep(500)
    }
  }

  @Test func aCallFromInsideACallRunsOnItsOwnThread() {
    let pool = ThreadPool(threadCount: 2)
    let total = Atomic<Int>(0)
    pool.parallel(8) { outer in
      for _ in outer {
        pool.parallel(100) { inner in _ = total.wrappingAdd(inner.count, ordering: .relaxed) }
      }
    }
    #expect(total.load(ordering: .relaxed) == 800)
  }

  @Test func severalCallersMayShareAPool() async {
    let pool = ThreadPool(threadCount: 2)
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask { (0..<300).allSatisfy { _ in Self.visits(of: 33, in: pool).allSatisfy { $0 == 1 } } }
      }
      for await complete in group { #expect(complete) }
    }
  }

  @Test func poolsStartAndStopCleanly() {
    for count in 0..<200 {
      let pool = ThreadPool(threadCount: 1 + count % 4)
      if count % 3 == 0 { #expect(Self.visits(of: 10, in: pool).allSatisfy { $0 == 1 }) }
    }
  }

  @Test("Denormals are zero on every thread while steps run, and the caller's setting returns", arguments: [1, 2])
  func denormals(threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    let before: UInt64 = platform_float_control()
    let smallest: Float = .leastNormalMagnitude
    var halves = [Float](repeating: -1, count: 1000)
    halves.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer
      pool.parallel(1000) { range in
        for task in range { buffer[task] = opaque(smallest) * 0.5 }
      }
    }
    #expect(halves.allSatisfy { $0 == 0 })
    #expect(platform_float_control() == before)
    #expect(opaque(smallest) * 0.5 > 0)
  }
}

/// Hides a value from constant folding.
@inline(never) @_optimize(none)
private func opaque(_ value: Float) -> Float { value }
