import CPlatform
import Dispatch
import Files
import Programs
import Synchronization

extension CCompiler {
  /// Optimisation without changing what a kernel means: products and sums may fuse, sums are never reordered.
  /// Kernels call nothing but memset, memcpy and memmove, which resolve in the process that loads them.
  static let flags: [String] = [
    "-std=gnu11", "-O2", "-fPIC", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-w",
  ]
  /// clang's loop strength reduction takes a seventh of its time and gains kernels nothing: processors form the addresses of
  /// their loops in loads.
  private static let clangFlags: [String] = ["-mllvm", "-disable-lsr"]
  static let linkFlags: [String] = ["-shared", "-nostdlib"]

  private func flags(for cpu: TargetCPU) -> [String] {
    Self.flags + (version.contains("clang") ? Self.clangFlags : []) + cpu.flags
  }

  /// Compiles C texts, several at a time, and links them into one shared object.
  /// - Parameter work: done while compilers run, on one of the threads that wait for them.
  /// - Returns: the bytes of the shared object.
  /// - Throws: ``CompilationError``; the words of a failed compiler are in it.
  public func compile(
    units: [String], for cpu: TargetCPU, meanwhile work: @Sendable () -> Void = {}
  ) throws(CompilationError) -> [UInt8] {
    let flags: [String] = flags(for: cpu)
    let scratch = try ScratchDirectory(environment: environment)
    // The compiler's own temporary files go where ours are removed; its words stay in one language.
    var environment: [String: String] = environment
    environment["TMPDIR"] = scratch.path
    environment["LC_ALL"] = "C"

    let sources: [String] = units.indices.map { "unit_\($0)" }
    for (source, text) in zip(sources, units) { try scratch.write(text, to: "\(source).c") }
    try run(
      sources.map { Job(part: "\($0).c", arguments: flags + ["-c", "\($0).c", "-o", "\($0).o"]) },
      in: scratch, environment, meanwhile: work)
    let link = Job(part: "the link", arguments: Self.linkFlags + sources.map { "\($0).o" } + ["-o", "kernels.so"])
    try run([link], in: scratch, environment)
    return try scratch.read("kernels.so")
  }

  /// All that decides the code that C text becomes, besides the text.
  public func identity(for cpu: TargetCPU) -> [String] {
    ["compiler", version] + command + flags(for: cpu) + Self.linkFlags
  }

  private struct Job: Sendable {
    let part: String
    let arguments: [String]
  }

  /// Runs the jobs, as many at a time as there are processors. Reports the first failure after all started jobs ended.
  private func run(
    _ jobs: [Job], in scratch: ScratchDirectory, _ environment: [String: String],
    meanwhile work: @Sendable () -> Void = {}
  ) throws(CompilationError) {
    let state = Mutex<(next: Int, failure: CompilationError?)>((0, nil))
    @Sendable func takeJob() -> Job? {
      state.withLock { state in
        guard state.failure == nil, state.next < jobs.count else { return nil }
        defer { state.next += 1 }
        return jobs[state.next]
      }
    }
    let directory: String = scratch.path
    DispatchQueue.concurrentPerform(iterations: max(1, Int(platform_usable_processor_count()))) { thread in
      if thread == 0 { work() }
      while let job = takeJob() {
        do throws(CompilationError) { try run(job, in: directory, environment) } catch {
          state.withLock { $0.failure = $0.failure ?? error }
        }
      }
    }
    if let failure = state.withLock(\.failure) { throw failure }
  }

  private func run(_ job: Job, in directory: String, _ environment: [String: String]) throws(CompilationError) {
    let log = "\(job.part).log"
    let process = try ChildProcess(command + job.arguments, environment: environment, directory: directory, log: log)
    let status: ExitStatus = process.wait()
    guard status != .exited(0) else { return }
    let words: [UInt8] = (try? WholeFile.read("\(directory)/\(log)", limit: 1 << 24)) ?? []
    throw .compilerFailed(
      compiler: path, part: job.part, status: status.description, lines: complaints(words))
  }
}

/// The first lines that speak of an error, or else the first lines.
private func complaints(_ log: [UInt8]) -> [String] {
  let lines: [String] = String(decoding: log, as: UTF8.self).split(separator: "\n").map(String.init)
  let errors: [String] = lines.filter { $0.contains("error") || $0.contains("undefined") }
  return Array((errors.isEmpty ? lines : errors).prefix(5))
}
