extension AttackSchedule {
  /// The stages as they are written: "301 x 0.001, 201 x 0.004", or "1200 x 5.0 to 10.0" for a weight that grows.
  public var stagesText: String {
    stages.map { stage in
      let grown = stage.part.coefficient * (1 + stage.part.growth)
      return "\(stage.steps) x \(stage.part.coefficient)" + (stage.part.growth == 0 ? "" : " to \(grown)")
    }.joined(separator: ", ")
  }

  /// Takes stages as `stagesText` writes them; their steps add up to `steps` then.
  /// - Returns: false, and nothing changes, for any other text.
  public mutating func setStages(_ text: String) -> Bool {
    var parts: [Part] = []
    for stage in text.split(separator: ",", omittingEmptySubsequences: false) {
      let words = stage.split(separator: " ")
      guard words.count == 3 || words.count == 5, words[1] == "x", let steps = Int(words[0]), steps > 0, steps <= 1_000_000,
        let coefficient = Double(words[2]), coefficient >= 0, coefficient.isFinite
      else { return false }
      var growth = 0.0
      if words.count == 5 {
        guard words[3] == "to", let grown = Double(words[4]), grown.isFinite, coefficient > 0 else { return false }
        growth = grown / coefficient - 1
      }
      parts.append(Part(share: steps, coefficient: coefficient, growth: growth))
    }
    self.parts = parts
    steps = parts.reduce(0) { $0 + $1.share }
    return true
  }
}
