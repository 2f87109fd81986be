import Adjoint
import ArgumentParser
import Attacks

/// Which attack, with its numbers; a file of the same names may give them.
struct AttackOptions: ParsableArguments {
  @Option(
    help: """
      pgd or adv2, which change pixels by at most eps, or stadv or adv2-stadv, which move them, and which no eps bounds.
      """)
  var attack = AttackSettings.Method.adv2
  @Option(
    help: """
      The interpreter whose map is kept: cam (taken for models), grad, another that explain has, or several with commas \
      between.
      """)
  var interpreter: String?
  @Option(help: "linf, where --eps bounds every value, or l2, where it bounds the root of the sum of squares.")
  var norm = ThreatModel.Norm.linf
  @Option(help: "The largest change of a value in [0, 1] (default: 0.031), or that of an image under l2.") var eps: Fraction?
  @Option(help: "The change in one step (default: 1/255), under l2 a tenth of --eps.") var alpha: Fraction?
  @Option(
    help: """
      What share of --alpha the last step of the second phase of adv2 takes, to which it falls from the whole (0.03; 1 in \
      other modes).
      """)
  var finalAlpha: Double?
  @Option(
    help: """
      Steps of pgd (1000) or stadv (300), or of the second phase of adv2 (400 against maps of features, 704 of pixels, 600 \
      against mask, 1200 against rts or several, 1800 with mask among them) or adv2-stadv (600, 704, 600; 800 against \
      several, 1000 with mask among them).
      """)
  var steps: Int?
  @Option(
    help: """
      Steps that keep no map, ahead of the second phase of adv2 (400 against maps of features, 300 of pixels) or \
      adv2-stadv (200; 450 against maps of pixels, 400 against mask).
      """)
  var warm: Int?
  @Option(
    help: """
      Weight of the map's loss: c, which grows to 2c, against maps of features, cam and grad-cam (5); that of the last \
      stage against maps of pixels (0.05; of adv2-stadv 0.2), whose other stages keep their proportion; of adv2-stadv \
      against mask (3).
      """)
  var coefficient: Double?
  @Option(
    help: "Whose numbers apply where no option gives them: default (taken for models), paper, or code (published with it).")
  var mode: AttackMode?
  @Option(
    help: ArgumentHelp(
      "The stages of the second phase, steps and weight of the map's loss, in place of --coefficient.",
      valueName: "301 x 0.001, 201 x 0.004"))
  var stages: String?
  @Option(
    help: """
      Whether the cross entropy of the second phase is that of smoothed labels: sampled (the target has a probability from \
      U(0.95 + 0.04 i/n, 1) at step i of n; taken for maps of pixels), or none.
      """)
  var labelSmoothing: LabelSmoothing?
  @Option(
    help: """
      In how many iterations of adv2 or adv2-stadv against mask the mask is computed anew once \
      (\(MaskSchedule().resetInterval)); 0 for never.
      """)
  var resetInterval: Int?
  @Option(
    help: """
      Halvings in the search of adv2 against mask for the largest step that the label endures (\(MaskSchedule().sharedHalvings) \
      with other interpreters or --evade, else 0), after the largest of all; with 0 every step is the largest.
      """)
  var halvings: Int?
  @Option(help: "The probability of the target from which an iterate counts as an attack (0.9).") var confidence: Double?
  @Option(
    name: .customLong("target-map"),
    help: ArgumentHelp(
      """
      The map that adv2 goes for: benign, patch (a random disc or rectangle), class (that of another image, whose class is \
      neither label nor target), or a npy, npz or PNG file of the map's size.
      """, valueName: "benign|patch|class|file"))
  var targetMap = "benign"
  @Flag(inversion: .prefixedNo, help: "Leave the label for whatever other class; goes with pgd.") var untargeted = false
  @Flag(inversion: .prefixedNo, help: "Start at a random place within --eps, which --seed decides.") var randomStart = false
  @Option(help: "Further runs of pgd or adv2 from random places; the best of all counts, at the cost of all.")
  var restarts = 0
  @Flag(
    inversion: .prefixedNo,
    help: "Be done with an image at the first check at which its attack succeeds (for adv2: jointly, with map L1 <= 0.06).")
  var earlyStop = false
  @Flag(help: "Print the numbers, as --config takes them, with where each comes from, and do nothing else.")
  var printConfig = false
  @Option(
    help: ArgumentHelp(
      "A file of such options, a line each: name = value. Options of the call win over it.", valueName: "file"))
  var config: String?
  @Option(help: "Decides, together with the image, the random numbers of adv2 against grad, and of flows.") var seed:
    UInt64 = 0
  @Option(
    help: """
      Squeezers that shall not tell an attack by adv2, with commas between them: \(Squeezer.accepted). The second \
      phase then starts at the photo, by default with the warm start's steps too; but against mask, and by default against \
      several squeezers in the direct form, which keep a warm start.
      """)
  var evade: SqueezerList?
  @Option(
    help: """
      What --evade adds to the loss: direct (the cross entropy between the prediction and each squeezed one; taken by mode \
      default), paper (Algorithm 2: for fewer bits the distance to the prediction of an attack in squeezed space), both, or \
      code (hinges from 3/4 of the threshold, that of --detector or of the published code).
      """)
  var evasion: EvasionForm?
  @Option(help: "Weight of all terms of squeezers together (1).") var evasionWeight: Double?
  @Option(
    help: ArgumentHelp(
      """
      A file of detect -o: how many of the images it tells is counted, and --evade prefers iterates that its squeezers do \
      not tell. Photos that it was calibrated on are refused.
      """, valueName: "file"))
  var detector: String?
  @Option(help: "Weight of a flow's roughness (0.00002, against mask 0.0000003; 0.0005 and 0.004 in other modes).")
  var smoothness: Double?
  @Flag(inversion: .prefixedNo, help: "Also run pgd, or stadv, on the same images, for comparison.") var compare = false
  @Option(
    help: ArgumentHelp(
      """
      Write loss, probability and map distance of every step of this run to a CSV or .jsonl file, at the cost of a map \
      each, against mask of a probability.
      """, valueName: "file"))
  var trace: String?
  @OptionGroup var budget: BudgetOptions
  @OptionGroup var interpreterFlags: InterpreterFlags

  func validate() throws {
    for (name, fraction) in [("eps", eps), ("alpha", alpha)] {
      guard let fraction, fraction.value <= 0 || (norm == .linf && fraction.value > 1) else { continue }
      throw ValidationError(
        "--\(name) is \(fraction); more than 0\(norm == .linf ? " up to 1" : "") is accepted.")
    }
    if let finalAlpha {
      guard attack == .adv2 else { throw ValidationError("--final-alpha goes with --attack adv2.") }
      guard finalAlpha > 0, finalAlpha <= 1 else {
        throw ValidationError("--final-alpha is \(finalAlpha); more than 0 up to 1 is accepted.")
      }
    }
    if norm == .l2 && eps == nil { throw ValidationError("--norm l2 needs --eps.") }
    if let confidence, !(0...1).contains(confidence) {
      throw ValidationError("--confidence is \(confidence); 0 to 1 are accepted.")
    }
    guard (0...1000).contains(restarts) else { throw ValidationError("--restarts is \(restarts); 0 to 1000 are accepted.") }
    if untargeted && attack != .pgd { throw ValidationError("--untargeted goes with --attack pgd.") }
    if let stages {
      var schedule = AttackSchedule()
      guard schedule.setStages(stages) else {
        throw ValidationError("--stages is '\(stages)'; such as '301 x 0.001, 201 x 0.004' is accepted.")
      }
    }
    try checkSteps(steps, warm: warm)
    if let coefficient, coefficient < 0 || !coefficient.isFinite {
      throw ValidationError("--coefficient is \(coefficient); 0 or more is accepted.")
    }
    for (name, value, limit) in [("reset-interval", resetInterval, 1_000_000), ("halvings", halvings, 64)] {
      guard let value else { continue }
      guard (0...limit).contains(value) else {
        throw ValidationError("--\(name) is \(value); 0 to \(limit) are accepted.")
      }
    }
    guard labelSmoothing == nil || attack == .adv2 else {
      throw ValidationError("--label-smoothing goes with --attack adv2.")
    }
    guard evade == nil || attack == .adv2 else { throw ValidationError("--evade goes with --attack adv2.") }
    guard evasionWeight == nil && evasion == nil || evade != nil else {
      throw ValidationError("--evasion and --evasion-weight go with --evade.")
    }
    guard smoothness == nil || attack.isFlow else { throw ValidationError("--smoothness goes with stadv and adv2-stadv.") }
    for (name, value) in [("evasion-weight", evasionWeight), ("smoothness", smoothness)] {
      if let value, value < 0 || !value.isFinite {
        throw ValidationError("--\(name) is \(value); 0 or more is accepted.")
      }
    }
    guard !attack.isFlow || (eps == nil && alpha == nil && norm == .linf) else {
      throw ValidationError("--attack \(attack.rawValue) moves pixels, which --eps and --alpha do not bound.")
    }
    guard !attack.isFlow || (restarts == 0 && !randomStart && !earlyStop) else {
      throw ValidationError(
        "--restarts, --random-start and --early-stop go with --attack pgd and adv2, not with \(attack.rawValue).")
    }
  }

  /// What an artifact settles, as far as it was given.
  var repeated: [(name: String, value: String?, recorded: (ModelFacts) -> String?)] {
    [
      ("interpreter", interpreter, { $0.map?.interpreter.name }),
      ("mode", mode?.rawValue, { $0.map?.interpreter.mode.rawValue }),
      ("evade", evade?.description, { $0.map.map { SqueezerList($0.interpreter.evaded).words } }),
      (
        "label-smoothing", labelSmoothing?.rawValue,
        { $0.map.map { LabelSmoothing($0.interpreter.objective.smoothsLabels).rawValue } }
      ),
      ("evasion", evasion?.rawValue, { $0.map?.interpreter.evasion.rawValue }),
      ("norm", norm == .linf ? nil : norm.rawValue, { $0.map?.interpreter.norm.rawValue }),
    ] + interpreterFlags.repeated
  }

  /// The interpreter of an artifact, or that of the options.
  func choice(_ artifact: ModelPrograms?) throws -> InterpreterChoice {
    var choice = InterpreterChoice(
      interpreter ?? "cam", mode: mode ?? .default, options: interpreterFlags.options, norm: norm,
      evaded: evade?.squeezers ?? [], evasion: evasion)
    choice.smoothsLabels = labelSmoothing.map { $0 == .sampled }
    if let recorded = artifact?.facts.map?.interpreter { choice = recorded }
    try choice.check()
    guard resetInterval == nil || (choice.hasMask && attack.keepsMap) else {
      throw UsageError("--reset-interval goes with --attack adv2 and adv2-stadv --interpreter mask")
    }
    guard halvings == nil || (choice.hasMask && attack == .adv2) else {
      throw UsageError("--halvings goes with --attack adv2 --interpreter mask")
    }
    if finalAlpha != nil, choice.name == "mask" {
      throw UsageError("--final-alpha does not go with --interpreter mask, whose steps a search shortens")
    }
    return choice
  }

  func settings(for choice: InterpreterChoice) -> AttackSettings {
    let radius = eps?.value ?? ThreatModel().eps
    let step = alpha?.value ?? (norm == .l2 ? radius / 10 : ThreatModel().alpha)
    var schedule = choice.schedule(of: attack)
    if let smoothness { schedule.flow?.smoothness = smoothness }
    if let stages { _ = schedule.setStages(stages) }
    if let confidence { schedule.confidence = confidence }
    if let finalAlpha { schedule.finalAlpha = finalAlpha }
    var settings = AttackSettings(
      method: attack, threat: ThreatModel(norm: choice.norm, eps: radius, alpha: step), schedule: schedule, steps: steps,
      warm: warm, coefficient: coefficient, comparesWithPGD: compare && attack.keepsMap, seed: seed)
    settings.evasionWeight = evasionWeight ?? 1
    if let resetInterval { settings.mask.resetInterval = resetInterval }
    if let halvings { settings.mask.halvings = halvings }
    settings.isUntargeted = untargeted
    settings.startsAtRandom = randomStart
    settings.restarts = restarts
    settings.stopsEarly = earlyStop
    return settings
  }

  /// What a job takes beside settings and programs.
  /// - Throws: `FileError` for a file that holds no detector.
  func jobOptions(_ execution: ExecutionFlags) throws -> AttackJob.Options {
    var options = AttackJob.Options()
    options.threads = execution.threads
    options.targetMap = TargetMap(targetMap)
    options.detector = try detector.map { try AttackDetector(contentsOf: $0) }
    options.seconds = budget.time
    options.trace = trace
    return options
  }

  /// The numbers as `ConfigurationFile` reads them; what follows from others stands in comments.
  func configurationText(_ settings: AttackSettings, _ options: InterpreterOptions) -> String {
    let threat = settings.threat
    func source(_ isDefault: Bool) -> String { isDefault ? "default" : "option" }
    var lines: [(name: String, value: String, source: String)] = [
      ("attack", settings.method.rawValue, source(settings.method == .adv2)),
      ("interpreter", settings.schedule.interpreter, source(settings.schedule.interpreter == "cam")),
      ("mode", settings.schedule.mode.rawValue, source(settings.schedule.mode == .default)),
    ]
    if let flow = settings.schedule.flow {
      let (interpreter, mode) = (settings.schedule.interpreter, settings.schedule.mode)
      let unchanged = AttackSchedule(flow: interpreter).flow?.configuration(of: interpreter) ?? []
      let ofMode = AttackSchedule(flow: interpreter, mode: mode).flow?.configuration(of: interpreter) ?? []
      lines += flow.configuration(of: interpreter).enumerated().map { index, entry in
        let source =
          entry.value == unchanged[index].value ? "default" : entry.value == ofMode[index].value ? mode.rawValue : "option"
        return (entry.name, entry.value, source)
      }
    } else {
      lines += [
        ("norm", threat.norm.rawValue, source(threat.norm == .linf)),
        ("eps", "\(threat.eps)", source(threat.eps == ThreatModel().eps)),
        ("alpha", "\(threat.alpha)", source(threat.alpha == (threat.norm == .l2 ? threat.eps / 10 : ThreatModel().alpha))),
      ]
    }
    lines += options.entries(of: settings.schedule.interpreter).map { ($0.name, $0.value, source(!$0.isGiven)) }
    if settings.method.keepsMap {
      lines += settings.schedule.configuration.map { ($0.field.rawValue, $0.value, $0.source) }
      if InterpreterChoice(settings.schedule.interpreter).hasMask {
        lines += settings.mask.configuration(
          mode: settings.schedule.mode, isShared: settings.sharesMaskSteps, isFlow: settings.method.isFlow)
      }
      lines.append(("target-map", targetMap, source(targetMap == "benign")))
      lines.append(("compare", "\(compare)", source(!compare)))
    } else {
      let unchanged = AttackSettings(method: attack, schedule: AttackSchedule(mode: settings.schedule.mode))
      lines.append(("steps", "\(settings.steps)", source(settings.steps == unchanged.steps)))
      lines.append(("confidence", "\(settings.confidence)", source(settings.confidence == unchanged.confidence)))
      lines.append(("untargeted", "\(untargeted)", source(!untargeted)))
    }
    if !settings.method.isFlow {
      lines += [
        ("random-start", "\(randomStart)", source(!randomStart)), ("restarts", "\(restarts)", source(restarts == 0)),
        ("early-stop", "\(earlyStop)", source(!earlyStop)),
      ]
    }
    let objective = settings.schedule.objective
    if !objective.evaded.isEmpty {
      lines += [
        ("evade", "\(SqueezerList(objective.evaded))", "option"),
        ("evasion", objective.evasion.rawValue, evasion == nil ? settings.schedule.mode.rawValue : "option"),
        ("evasion-weight", "\(settings.evasionWeight)", source(evasionWeight == nil)),
      ]
    }
    if let detector { lines.append(("detector", detector, "option")) }
    if let memory = budget.memory { lines.append(("memory", "\(memory)", "option")) }
    lines.append(("seed", "\(seed)", source(seed == 0)))
    return ConfigurationFile.text(lines)
  }
}

/// Which labels the cross entropy of an attack has.
enum LabelSmoothing: String, ExpressibleByArgument, CaseIterable {
  case sampled, none

  init(_ smoothsLabels: Bool) { self = smoothsLabels ? .sampled : .none }
}

extension ThreatModel.Norm: ExpressibleByArgument {}
extension EvasionForm: ExpressibleByArgument {}
