/// What can go wrong between C text and a shared object.
public enum CompilationError: Error, Equatable, Sendable {
  case noCompiler(tried: [String])
  /// `part` is the unit or the link; `lines` are the compiler's first complaints.
  case compilerFailed(compiler: String, part: String, status: String, lines: [String])
  case cannotStart(program: String, reason: String)
  case scratchFailed(path: String, reason: String)
}

extension CompilationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noCompiler(let tried):
      "no C compiler found; tried \(tried.joined(separator: ", ")). Install clang or gcc, or name one in CC"
    case .compilerFailed(let compiler, let part, let status, let lines):
      "\(compiler) failed on \(part) (\(status))" + (lines.isEmpty ? "" : ": " + lines.joined(separator: "; "))
    case .cannotStart(let program, let reason):
      "\(program) could not be started: \(reason)"
    case .scratchFailed(let path, let reason):
      "the temporary file \(path) could not be used: \(reason)"
    }
  }
}
