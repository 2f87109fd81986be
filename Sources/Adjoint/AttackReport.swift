import Attacks
import Images
import TensorTypes

/// The panels of one attack: photo, adversarial photo, perturbation, and the heatmaps side by side on one scale.
func attackReport(
  _ record: AttackRecord, photo: Image, adversarial: Image, benign: Measurement, measured: Measurement,
  comparison: Measurement?, mapShape: Shape
) throws -> Report {
  // The maps of several interpreters lie one below the other.
  let interpreters = record.settings.interpreter.split(separator: ",").map { $0.uppercased() }
  let height = mapShape[1] / max(interpreters.count, 1)
  func overlay(_ map: [Float], _ index: Int, on image: Image) -> Image {
    let size = height * mapShape[2]
    return Images.Heatmap(
      width: mapShape[2], height: height, values: Array(map[index * size..<(index + 1) * size])
    ).overlaid(on: image)
  }
  func distance(_ judgement: AttackRecord.Judgement, _ index: Int) -> Double {
    judgement.maps?[index].map.l1 ?? judgement.mapL1
  }
  let attack =
    switch record.settings.attack {
    case "pgd": "PGD"
    case "stadv": "stAdv"
    case "adv2-stadv": "ADV\u{b2} on stAdv"
    default: "ADV\u{b2}"
    }
  let maps = interpreters.enumerated().map { index, map in
    var maps = [
      Panel("\(map), unchanged photo", overlay(benign.map, index, on: photo), captions: ["for \(record.labelName)"])
    ]
    if let comparison, let judged = record.comparison {
      maps.append(
        Panel(
          "\(map) under \(judged.name == "pgd.last" ? "PGD" : "stAdv")", overlay(comparison.map, index, on: photo),
          captions: ["for \(record.targetName)", "map distance \(fixed(distance(judged.png, index), 3))"]))
    }
    maps.append(
      Panel(
        "\(map) under \(attack)", overlay(measured.map, index, on: photo),
        captions: ["for \(record.targetName)", "map distance \(fixed(distance(record.png, index), 3))"]))
    return maps
  }
  return Report(
    heading: "\(record.labelName) -> \(record.png.success ? record.targetName : "not \(record.targetName)")",
    rows: [
      .init([
        Panel("Photo", photo, captions: ["\(record.labelName) \(fixed(record.labelProbability, 3))"]),
        Panel(
          "Adversarial photo (\(attack))", adversarial,
          captions: ["\(record.targetName) \(fixed(record.png.targetProbability, 3))"]),
        Panel("Perturbation x10", try adversarial.difference(from: photo, amplifiedBy: 10)),
      ])
    ] + maps.map { .init($0, colorScale: ColorScale()) })
}

/// A number with a fixed count of decimals.
public func fixed(_ number: Double, _ decimals: Int) -> String {
  guard number.isFinite, abs(number) < 1e15 else { return "\(number)" }
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let scaled = (abs(number) * scale).rounded()
  let whole = Int(scaled / scale)
  let sign = number < 0 && scaled > 0 ? "-" : ""
  guard decimals > 0 else { return sign + "\(whole)" }
  let digits = String(Int(scaled - Double(whole) * scale))
  return sign + "\(whole)." + String(repeating: "0", count: decimals - digits.count) + digits
}
