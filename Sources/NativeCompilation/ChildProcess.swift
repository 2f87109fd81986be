import CPlatform
import Glibc

/// How a program ended.
enum ExitStatus: Equatable, CustomStringConvertible {
  case exited(Int32)
  case killed(signal: Int32)

  var description: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .killed(let signal): "killed by signal \(signal)"
    }
  }
}

/// A program started without a shell, in a process group of its own.
struct ChildProcess {
  private let identifier: pid_t

  /// Starts a program in a directory, with its output and diagnostics going to a new file there.
  init(
    _ arguments: [String], environment: [String: String], directory: String, log: String
  ) throws(CompilationError) {
    let argumentStrings: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    let environmentStrings: [UnsafeMutablePointer<CChar>?] =
      environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for string in argumentStrings + environmentStrings { free(string) } }

    let (status, identifier) = UnfinishedCompilations.starting {
      platform_spawn(argumentStrings, environmentStrings, directory, log, &$0)
    }
    guard status == 0 else { throw .cannotStart(program: arguments[0], reason: String(cString: strerror(status))) }
    self.identifier = identifier
  }

  func wait() -> ExitStatus {
    // Until it is waited for, no other process can have its number.
    var information = siginfo_t()
    while waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
    UnfinishedCompilations.ended(identifier)
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 {
      guard errno == EINTR else { return .exited(-1) }
    }
    let signal: Int32 = status & 0x7f
    return signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal)
  }
}
