import Adjoint
import ArgumentParser

struct AdjointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adjoint",
    abstract:
      "Compiles ONNX models and their derivatives to native code, and attacks classifiers together with their heatmaps.",
    version: adjointVersion,
    subcommands: [
      InspectCommand.self, DumpCommand.self, CompileCommand.self, RunCommand.self, ExplainCommand.self, AttackCommand.self,
      EvaluateCommand.self, ExperimentCommand.self, DetectCommand.self, BenchCommand.self, ProfileCommand.self,
    ])
}
