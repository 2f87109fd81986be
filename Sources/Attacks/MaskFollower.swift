import Interpreters
import TensorTypes

/// The masks that an attack follows: steps of MASK's own optimisation after each move of the images, and looks ahead at what
/// the next steps make of them.
struct MaskFollower {
  /// What the next steps of the masks say about the images.
  struct Prospect {
    /// The gradient of the losses with respect to the images over its norm, and that norm for each image.
    let direction: HostTensor
    let norms: [Float]
    /// The mean over the steps of the squared distance to the goal, for each image.
    let losses: [Float]
  }

  private(set) var descent: MaskDescent
  private let runner: any GraphRunner
  private let schedule: MaskSchedule
  private let jitter: JitterSequence
  private let classes: HostTensor
  /// The maps to go for, 1 − m, and the masks m of all images.
  private let maps: [[Float]]
  private let goal: HostTensor
  private var draws = 0

  /// - Parameter maps: for each image the map of MASK to go for, 1 − m.
  init(
    _ runner: any GraphRunner, _ mask: MaskMeasurer, _ schedule: MaskSchedule, classes: [Int], maps: [[Float]], seed: UInt64
  ) {
    self.runner = runner
    self.schedule = schedule
    self.maps = maps
    self.classes = HostTensor([classes.count], classes.map { Int64($0) })
    goal = HostTensor(mask.mapShape, maps.flatMap { map in map.map { 1 - $0 } })
    jitter = JitterSequence(margin: mask.constants.margin, seed: seed, stream: JitterSequence.attacking)
    descent = MaskDescent(runner, shape: mask.mapShape, classes: classes)
    descent.rateShare = schedule.rateShare
  }

  /// Lets the masks follow images to where they are now.
  /// - Returns: the sweeps of each image.
  mutating func follow(_ x: HostTensor) throws -> SweepCounts {
    try descent.look(at: x)
    for _ in 0..<schedule.followerSteps {
      try descent.step(offset: jitter.offset(draws))
      draws += 1
    }
    return SweepCounts(forward: schedule.followerSteps, backward: schedule.followerSteps)
  }

  /// Where images have to go for the masks of the next steps to come closer to the goal; the masks take these steps, unless
  /// the schedule has them taken back.
  mutating func lookAhead(from x: HostTensor) throws -> (prospect: Prospect, sweeps: SweepCounts) {
    let graph = MaskPrograms.lookaheadName
    let steps = schedule.lookaheadSteps
    let offsets = (draws..<draws + steps).map(jitter.offset)
    draws += steps
    let before = descent
    var inputs = descent.inputs
    inputs["x"] = x
    inputs["maskTarget"] = goal
    inputs["target"] = classes
    inputs["offsets"] = HostTensor([steps, 2], offsets.flatMap { [Int64($0.row), Int64($0.column)] })
    inputs["corrections"] = HostTensor([steps, 2], (1...steps).flatMap(descent.corrections))
    let outputs = try runner.run(graph, inputs)
    try descent.take(outputs, of: graph, steps: steps)
    if schedule.takesLookaheadBack { descent = before }
    let prospect = Prospect(
      direction: try outputs.required("direction", of: graph), norms: try outputs.floats("norm", of: graph),
      losses: try outputs.floats("mapLoss", of: graph))
    guard prospect.direction.isFinite, prospect.norms.areFinite else { throw AttackError.mapNotFinite }
    return (prospect, SweepCounts(forward: steps, backward: steps, secondOrder: steps))
  }

  /// Goes on from masks that were computed anew.
  /// - Parameter maps: of each image, 1 − m.
  mutating func restart(from maps: [[Float]]) {
    descent.mask = maps.flatMap { map in map.map { 1 - $0 } }
    descent.mean = descent.mean.map { $0 * schedule.keptMean }
    descent.squares = descent.squares.map { $0 * schedule.keptSquares }
    descent.counter = schedule.counterAfterReset
  }

  /// How far the mask of an image is from the goal.
  func distance(_ image: Int) -> Double {
    let size = maps[image].count
    return MapMetrics.l1(maps[image], descent.mask[image * size..<(image + 1) * size].map { 1 - $0 })
  }
}
