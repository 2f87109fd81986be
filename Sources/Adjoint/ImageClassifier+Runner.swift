import Attacks
import Execution
import IR
import Passes

extension ImageClassifier {
  /// What runs graphs that are made of the classifier's network, and belong to no attack.
  ///
  /// Cost: they are compiled anew in every call.
  /// - Parameter make: the graphs of the prepared network, from `x` to `logits`.
  /// - Throws: what making, compiling and loading them throw.
  public func runner(_ execution: ExecutionOptions, of make: (_ network: Graph) throws -> [Graph]) throws -> any GraphRunner
  {
    let graphs = try make(try Pipeline.prepare(classifier.graph))
    if execution.usesReference { return ReferenceRunner(graphs) }
    let simplified = try graphs.map { graph throws(TypeError) in try Pipeline.simplify(graph).renamed(graph.name) }
    let pool = ThreadPool(threadCount: execution.threads ?? ThreadPool.usableProcessorCount)
    return CompiledRunner(executable: try Executable(try execution.compiler().compile(simplified), pool: pool))
  }
}
