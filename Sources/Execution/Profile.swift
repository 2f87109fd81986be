import Glibc
import Programs
import TensorTypes

/// How long one step of a program takes.
public struct StepTiming: Sendable {
  public let step: Step
  /// The median over the repetitions.
  public let seconds: Double
}

extension Executable {
  /// Times every step of a program on its own.
  ///
  /// The sum exceeds a plain run a little: each step is started and awaited apart from the others.
  /// - Throws: as ``run(_:_:)``.
  public func profile(
    _ name: String, inputs: [String: HostTensor], repetitions: Int
  ) throws(ExecutionError) -> [StepTiming] {
    let index: Int = try programIndex(named: name)
    let steps: [Step] = programs[index].steps
    var seconds = [[Double]](repeating: [], count: steps.count)
    for _ in 0..<max(1, repetitions) {
      try write(inputs, toInputsOf: index)
      for position in steps.indices {
        let start: Double = monotonicSeconds()
        pool.run(tables[index].only(position))
        seconds[position].append(monotonicSeconds() - start)
      }
      if let failed = tables[index].takeFirstError() {
        throw .indexOutOfRange(
          program: name, step: failed, summary: steps[failed].summary, node: steps[failed].node)
      }
    }
    return zip(steps, seconds).map { step, times in StepTiming(step: step, seconds: times.sorted()[times.count / 2]) }
  }
}

private func monotonicSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + 1e-9 * Double(now.tv_nsec)
}
