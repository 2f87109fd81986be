import Adjoint
import ArgumentParser

/// Shapes, and what the JSON beside a model may also say.
struct ModelOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The whole shape of an input; may be given for several.", valueName: "x=1,3,224,224"))
  var shape: [NamedShape] = []

  @Option(help: ArgumentHelp("Height and width of the model's images.", valueName: "h,w"))
  var size: IntegerList?

  @Option(help: ArgumentHelp("Length of the shorter side before the centre is cut out, or 'exact'.", valueName: "256|exact"))
  var resize: ResizeArgument?

  @Option(help: "bilinear or bicubic.")
  var interpolation: String?

  @Option(help: ArgumentHelp("Values of black and white before mean and std: 0,1 or 0,255.", valueName: "low,high"))
  var range: NumberList?

  @Option(help: ArgumentHelp("Mean of each channel, in the model's order and range.", valueName: ".5,.5,.5"))
  var mean: NumberList?

  @Option(help: ArgumentHelp("Standard deviation of each channel.", valueName: ".5,.5,.5"))
  var std: NumberList?

  @Option(name: [.customLong("channelOrder"), .customLong("channel-order")], help: "rgb, bgr or grey.")
  var channelOrder: String?

  @Option(help: "nchw or nhwc.")
  var layout: String?

  @Option(help: ArgumentHelp("A text file with one class name a line.", valueName: "file"))
  var labels: String?

  @Option(help: ArgumentHelp("The output that holds the class scores, where several could.", valueName: "name"))
  var scores: String?

  @Option(
    help: ArgumentHelp(
      "Of scores of labels that do not exclude one another, the label to look at: classes are those without and with it.",
      valueName: "number|name"))
  var multiLabel: String?

  var shapes: [String: [Int]] { Dictionary(shape.map { ($0.name, $0.extents) }) { _, last in last } }

  /// Whether each option was given.
  var given: [(name: String, isGiven: Bool)] {
    [
      ("shape", !shape.isEmpty), ("size", size != nil), ("resize", resize != nil), ("interpolation", interpolation != nil),
      ("range", range != nil), ("mean", mean != nil), ("std", std != nil), ("channelOrder", channelOrder != nil),
      ("layout", layout != nil), ("labels", labels != nil), ("scores", scores != nil), ("multi-label", multiLabel != nil),
    ]
  }

  var description: ModelDescription {
    var description = ModelDescription()
    description.size = size?.values
    if resize != nil || interpolation != nil {
      description.resize = ModelDescription.Resize(interpolation: interpolation)
      if case .shorterSide(let side)? = resize { description.resize?.shorterSide = side }
      if case .exact? = resize { description.resize?.exact = true }
    }
    description.range = range?.values
    description.mean = mean?.values
    description.std = std?.values
    description.channelOrder = channelOrder
    description.layout = layout
    description.labels = labels
    description.scores = scores
    description.multiLabel = multiLabel
    return description
  }
}

/// Which step `--of step` is.
struct StepOptions: ParsableArguments {
  @Option(help: "The interpreter of --of step: \(interpreterNames).") var interpreter = "cam"

  @Option(
    help: ArgumentHelp(
      "Copies of the network in the step against grad: 2, one with its own derivatives and one with smoothed ones, or 1.",
      valueName: "1|2"))
  var copies = 2

  @OptionGroup var interpreterFlags: InterpreterFlags

  var choice: InterpreterChoice {
    InterpreterChoice(interpreter, copies: copies, options: interpreterFlags.options)
  }

  func validate() throws {
    guard copies == 1 || copies == 2 else { throw ValidationError("--copies is \(copies); 1 and 2 are accepted.") }
  }
}

/// What runs the graphs.
struct ExecutionFlags: ParsableArguments {
  @Option(help: "The processor to compile for, such as x86-64-v3; otherwise the best that this machine is.")
  var cpu: String?

  @Option(help: "Threads; otherwise one for each processor.")
  var threads: Int?

  @Flag(help: "Run the slow reference evaluator, which needs no C compiler.")
  var reference = false

  var options: ExecutionOptions { ExecutionOptions(cpu: cpu, threads: threads, usesReference: reference) }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); 1 to 1024 are accepted.")
    }
  }
}

/// - Throws: a validation error unless the batch size is usable.
func checkBatch(_ batch: Int) throws {
  guard (1...4096).contains(batch) else { throw ValidationError("--batch is \(batch); 1 to 4096 are accepted.") }
}

/// - Throws: a validation error unless the numbers of steps are usable.
func checkSteps(_ steps: Int?, warm: Int?) throws {
  if let steps, !(1...1_000_000).contains(steps) {
    throw ValidationError("--steps is \(steps); 1 to 1000000 are accepted.")
  }
  if let warm, !(0...1_000_000).contains(warm) {
    throw ValidationError("--warm is \(warm); 0 to 1000000 are accepted.")
  }
}
