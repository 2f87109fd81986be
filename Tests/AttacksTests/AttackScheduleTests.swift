import Attacks
import Testing

@Suite struct AttackScheduleTests {
  private func stages(_ schedule: AttackSchedule) -> [Int] { schedule.stages.map(\.steps) }

  /// The published numbers of steps, and whatever number is asked for, as 3 : 2 : 1 : 1.
  @Test(arguments: [
    (704, [301, 201, 101, 101]), (70, [30, 20, 10, 10]), (7, [3, 2, 1, 1]), (6, [2, 2, 1, 1]), (1, [0, 0, 0, 1]),
  ])
  func `the stages against GRAD add up to the steps asked for`(steps: Int, expected: [Int]) {
    var schedule = AttackSchedule(interpreter: "grad")
    schedule.steps = steps
    #expect(stages(schedule) == expected)
  }

  @Test func `each interpreter and mode has its published numbers`() {
    let grad = AttackSchedule(interpreter: "grad")
    #expect(grad.steps == 704 && grad.warm == 300 && grad.confidence == 0.9)
    #expect(grad.parts.map(\.coefficient) == [0.001, 0.004, 0.01, 0.05] && grad.parts.allSatisfy { $0.growth == 0 })
    #expect(grad.objective == StepObjective(mapReduction: .sum, smoothsLabels: true))

    let paper = AttackSchedule(interpreter: "grad", mode: .paper)
    #expect(stages(paper) == [800] && paper.parts[0].coefficient == 0.007 && paper.warm == 400)
    #expect(paper.objective == StepObjective(mapReduction: .sum, smoothsLabels: true))

    let code = AttackSchedule(interpreter: "grad", mode: .code)
    #expect(stages(code) == [301, 201, 101, 101] && code.confidence == 0.8)
    #expect(code.objective == StepObjective(mapReduction: .sum, smoothsLabels: false))

    let cam = AttackSchedule(interpreter: "cam")
    #expect(stages(cam) == [400] && cam.warm == 400 && cam.parts == [.init(coefficient: 5, growth: 1)])
    #expect(cam.objective == StepObjective(mapReduction: .mean, smoothsLabels: false))
    #expect(AttackSchedule(interpreter: "cam", mode: .paper).parts == [.init(coefficient: 0.204)])
    let published = [("cam", AttackMode.paper), ("cam", .code), ("rts", .default)]
    #expect(published.allSatisfy { stages(AttackSchedule(interpreter: $0, mode: $1)) == [1200] })
  }

  @Test func `steps of the second phase fall linearly to the final share of alpha, in our own mode alone`() {
    for interpreter in ["cam", "grad", "cam,grad"] {
      var schedule = AttackSchedule(interpreter: interpreter)
      schedule.steps = 4
      #expect(schedule.finalAlpha < 1)
      for step in 0..<4 {
        let expected = 1 - (1 - schedule.finalAlpha) * Double(step) / 3
        #expect(abs(schedule.alphaShare(step: step) - expected) < 1e-12)
      }
      schedule.steps = 1
      #expect(schedule.alphaShare(step: 0) == 1)
    }
    for mode in [AttackMode.paper, .code] {
      #expect(AttackSchedule(interpreter: "grad", mode: mode).alphaShare(step: 9) == 1)
    }
  }

  @Test func `PGD beside ADV² takes as many gradients, at most 1,000`() {
    func steps(_ interpreter: String, _ steps: Int? = nil, warm: Int? = nil) -> Int {
      AttackSettings(
        method: .adv2, schedule: AttackSchedule(interpreter: interpreter), steps: steps, warm: warm, comparesWithPGD: true
      ).comparisonSteps
    }
    for interpreter in ["cam", "grad", "mask", "grad,cam,mask"] {
      #expect(steps(interpreter) == (interpreter == "cam" ? 800 : 1000))
    }
    #expect(steps("cam", 20, warm: 5) == 25)
    #expect(steps("mask", 20, warm: 5) == 105)
  }

  @Test func `a coefficient is that of the last stage, and the others keep their proportion`() {
    let schedule = AttackSettings(method: .adv2, schedule: AttackSchedule(interpreter: "grad"), coefficient: 0.1).schedule
    for (found, expected) in zip(schedule.parts.map(\.coefficient), [0.002, 0.008, 0.02, 0.1]) {
      #expect(abs(found - expected) < 1e-15)
    }
    #expect(AttackSettings(method: .adv2, coefficient: 0).schedule.coefficient == 0)
  }

  @Test func `among others a map of features weighs more than by itself, and one of pixels less`() {
    func weight(_ interpreter: String, _ mode: AttackMode) -> Double {
      AttackSchedule.weight(of: interpreter, mode: mode, places: 56 * 56)
    }
    for (found, expected) in [
      (weight("cam", .default), 30), (weight("grad", .default), 58.8), (weight("cam", .code), 5),
      (weight("grad", .code), 78.4),
    ] {
      #expect(abs(found - expected) < 1e-9)
    }
  }

  @Test func `the configuration says where each number comes from`() {
    var schedule = AttackSchedule(interpreter: "grad", mode: .paper)
    schedule.warm = 100
    let sources = Dictionary(uniqueKeysWithValues: schedule.configuration.map { ($0.field, $0.source) })
    #expect(sources.count == AttackSchedule.Field.allCases.count)
    #expect(sources[.steps] == "paper" && sources[.warm] == "option" && sources[.confidence] == "default")
    #expect(schedule.configuration.first { $0.field == .stages }?.value == "800 x 0.007")
    let cam = AttackSchedule().configuration
    #expect(cam.allSatisfy { $0.source == "default" })
    #expect(cam.first { $0.field == .stages }?.value == "400 x 5.0 to 10.0")
  }
}
