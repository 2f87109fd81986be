import Adjoint
import ArgumentParser
import Execution
import Glibc

/// Exit status: 0 done, 1 failed job, 2 wrong call, 130 interrupted.
@main
enum Entry {
  static func main() {
    Interruption.watch()
    if KernelThread.exceedsMainThread, let thread = KernelThread(run) { thread.join() } else { run() }
  }

  private static func run() {
    do {
      let arguments = try ConfigurationFile.expanded(Array(CommandLine.arguments.dropFirst()))
      var command = try AdjointCommand.parseAsRoot(arguments)
      try command.run()
    } catch {
      exit(report(error))
    }
  }

  /// Says what went wrong in one sentence on standard error; help that was asked for goes to standard output.
  /// - Returns: the exit status.
  private static func report(_ error: any Error) -> Int32 {
    switch error {
    case let error as UsageError:
      complain(error.description)
      return 2
    case let error as ModelError where error.isUsageError:
      complain(error.description)
      return 2
    // What has been said already.
    case let code as ExitCode: return code.rawValue
    default: break
    }
    let code = AdjointCommand.exitCode(for: error)
    if code == .success {
      do { try StandardStream.output.writeLine(AdjointCommand.fullMessage(for: error)) } catch { return 1 }
      return 0
    }
    if code == .validationFailure {
      complain(AdjointCommand.message(for: error) + " (adjoint --help shows the commands and their options)")
      return 2
    }
    complain("\(error)")
    return 1
  }

  private static func complain(_ words: String) {
    // Nobody is left to tell when this fails.
    let line = words.split(whereSeparator: \.isNewline).joined(separator: " ")
    try? StandardStream.error.writeLine("adjoint: \(line)")
  }
}
