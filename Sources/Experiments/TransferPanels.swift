import Adjoint
import Attacks
import Images

/// Figure 14: the maps of every interpreter on photos attacked for one of them.
struct TransferPanels: Experiment {
  let id = "f14"
  let title = "maps of each interpreter on photos attacked for one of them, on one scale"
  let reference = "figure 14: maps of other interpreters than the attacked one move"

  var runs: [ExperimentRun] { TransferSources.runs(on: .first) }

  func outcome(_ context: ExperimentContext) throws -> ExperimentOutcome {
    let sources = TransferSources(context, .first)
    let titles = sources.interpreters.map(\.title)
    var pictures: [ExperimentPicture] = []
    let matrix = try sources.matrix(context, on: .first, limit: MapPanels.largestCount) { picture in
      pictures.append(ExperimentPicture("f14.\(picture.image)", try panels(picture, sources.sources, titles)))
    }
    let comparisons = sources.comparisons(matrix, context.name(of: .first)) { _ in "less than 1" }
    guard let matrix else { return ExperimentOutcome(tables: [sources.missingTable("f14")], comparisons: comparisons) }
    var table = ExperimentTable("f14", columns: ["attack on"] + titles)
    for (source, row) in zip(matrix.sources, matrix.entries) {
      table.add([.init(source.title)] + row.map { .init($0.l1) })
    }
    for source in sources.missing {
      table.add([.init(TransferMatrix.title(source.interpreter)), .init(source.reason)])
    }
    return ExperimentOutcome(tables: [table], comparisons: comparisons, pictures: pictures)
  }

  private func panels(
    _ picture: TransferMatrix.Picture, _ sources: [TransferMatrix.Source], _ titles: [String]
  ) throws -> Image {
    func row(_ first: Panel, _ row: TransferMatrix.Picture.Row, isAttacked: Bool) -> Report.Row {
      let maps = zip(titles, row.maps).map { title, map in
        Panel(title, map.map.overlaid(on: row.image), captions: isAttacked ? ["L1 \(fixed(map.l1, 3))"] : [])
      }
      return Report.Row([first] + maps, colorScale: ColorScale())
    }
    let records = sources.map { $0.run.record(of: picture.image) }
    let label = records.first??.labelName ?? ""
    var rows = [row(Panel("photo", picture.unchanged.image, captions: [label]), picture.unchanged, isAttacked: false)]
    for (index, source) in sources.enumerated() {
      let title = source.interpreter == nil ? "PGD" : "ADV\u{b2} on \(source.title)"
      let captions = records[index].map {
        ["\($0.targetName) \(fixed($0.png.targetProbability, 2))\($0.png.success ? "" : " (missed)")"]
      }
      rows.append(
        row(
          Panel(title, picture.attacked[index].image, captions: captions ?? []), picture.attacked[index], isAttacked: true))
    }
    return try Report(heading: "\(label): each row an attack, each column an interpreter", rows: rows).rendered()
  }
}
