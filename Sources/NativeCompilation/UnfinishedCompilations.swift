import Files
import Glibc
import Synchronization

/// The compilers that are running and the scratch directories that are in use, for a process that has to end at once.
public enum UnfinishedCompilations {
  private struct State {
    var processes: Set<pid_t> = []
    var directories: Set<String> = []
  }

  private static let state = Mutex(State())

  /// Ends the compilers, removes the directories, and leaves. Compilations that are under way wait for the end of the
  /// process, so that none of them fails for want of its compiler and says so.
  public static func abandon(then leave: () -> Never) -> Never {
    state.withLock { state in
      for process in state.processes { kill(-process, SIGKILL) }
      for directory in state.directories {
        // What a compiler is just creating can appear between reading the directory and removing it.
        for _ in 0..<20 {
          removeDirectory(directory)
          guard access(directory, F_OK) == 0 else { break }
          usleep(5_000)
        }
      }
      leave()
    }
  }

  /// Starts a process and remembers it until `ended`.
  static func starting(_ spawn: (inout pid_t) -> Int32) -> (status: Int32, process: pid_t) {
    state.withLock { state in
      var process: pid_t = 0
      let status: Int32 = spawn(&process)
      if status == 0 { state.processes.insert(process) }
      return (status, process)
    }
  }

  /// The process is to be waited for: from now on its number may come to mean another.
  static func ended(_ process: pid_t) { state.withLock { _ = $0.processes.remove(process) } }

  /// Creates a directory from a template of `mkdtemp` and remembers it until `removed`; nil, with `errno` set, if it cannot.
  static func creating(_ template: String) -> String? {
    var characters: [CChar] = Array(template.utf8CString)
    return state.withLock { state in
      guard mkdtemp(&characters) != nil else { return nil }
      let path = String(decoding: characters.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
      state.directories.insert(path)
      return path
    }
  }

  static func removed(_ directory: String) { state.withLock { _ = $0.directories.remove(directory) } }
}

/// Removes a directory with the files in it.
func removeDirectory(_ path: String) {
  for name in directoryEntries(path) { unlink("\(path)/\(name)") }
  rmdir(path)
}
