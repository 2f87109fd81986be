import Files
import NativeCompilation

/// Ends the compilers that are running, removes the files that are not finished, and leaves, for a process that has to end
/// at once. Threads that write files or compile wait for its end.
public func removeUnfinishedFiles(then leave: () -> Never) -> Never {
  UnfinishedCompilations.abandon { AtomicFile.abandon(then: leave) }
}
