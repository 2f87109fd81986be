import Adjoint
import Attacks
import Images
import TensorTypes

/// What attacks on one interpreter do to the maps of others, of the same network or another.
///
/// An entry is the mean over photos of the distance between g'(x_*; c_t), the map of the target on the attacked PNG, and
/// g'(x_o; y), that of the label on the photo: where the interpreter is the attacked one, the attack's own figure. Judging
/// another network, both pictures are resized to its input as they are.
struct TransferMatrix {
  struct Source {
    /// Whose map the attack keeps; nil where it keeps none.
    let interpreter: PaperInterpreter?
    let run: FinishedRun

    var title: String { TransferMatrix.title(interpreter) }
  }

  /// What an attack that keeps this map is called.
  static func title(_ interpreter: PaperInterpreter?) -> String { interpreter?.title ?? "none: PGD" }

  struct Column {
    let interpreter: PaperInterpreter
    let reader: MapReader
  }

  struct Entry {
    let images: Int
    let l1: Double
    /// Over the photos none of whose maps is constant; nil without any.
    let spearman: Double?
    /// How many attacked PNGs are seen as the target, and how many still as the photo's label.
    let asTarget: Int
    let asLabel: Int
    /// Mean.
    let targetProbability: Double
  }

  /// A photo with its maps.
  struct Picture {
    /// A picture, and of each column its map and how far that is from the unchanged photo's.
    struct Row {
      let image: Image
      var maps: [(map: Heatmap, l1: Double)] = []
    }

    let image: String
    var unchanged: Row
    /// Of each source.
    var attacked: [Row]
  }

  let sources: [Source]
  let columns: [Column]
  /// The photos that all sources attacked.
  let images: [String]
  /// Of each source and column.
  let entries: [[Entry]]
  /// Of the unchanged photos, and their maps of the target: what a map moves by where nothing but the class changes.
  let unchanged: [Entry]

  /// Measures every source in every column.
  ///
  /// Cost: a map of each column for each photo and source and two for each photo. Memory: pictures of one photo.
  /// - Parameters:
  ///   - limit: the most photos.
  ///   - drawn: takes each photo with its maps.
  /// - Throws: `UsageError` when there is no photo that all attacked, from the same label to the same target.
  init(_ sources: [Source], _ columns: [Column], limit: Int? = nil, drawn: (Picture) throws -> Void = { _ in }) throws {
    self.sources = sources
    self.columns = columns
    let shared = (sources.first?.run.records ?? []).filter { record in
      sources.allSatisfy { source in
        source.run.record(of: record.image).map {
          $0.imageSHA256 == record.imageSHA256 && $0.label == record.label && $0.target == record.target
        } ?? false
      }
    }
    let records = shared.prefix(limit ?? shared.count)
    guard !records.isEmpty else {
      throw UsageError(
        "\(sources.map(\.title).joined(separator: ", ")) have attacked no photo in common, from one label to one target")
    }
    var sums = Array(repeating: Array(repeating: Sums(), count: columns.count), count: sources.count + 1)
    for record in records {
      let photo = try sources[0].run.photo(of: record.image)
      let attacked = try sources.map { source throws(ImageError) in
        try Image(contentsOf: source.run.png(of: record.image))
      }
      var picture = Picture(
        image: record.image, unchanged: .init(image: photo), attacked: attacked.map { .init(image: $0) })
      let classes = [record.label] + Array(repeating: record.target, count: sources.count + 1)
      for (index, column) in columns.enumerated() {
        let measured = try column.reader.measure([photo] + attacked + [photo], classes: classes)
        let maps = measured.map { measurement in
          (
            Heatmap(width: column.reader.mapShape[1], height: column.reader.mapShape[0], values: measurement.map),
            MapMetrics.l1(measured[0].map, measurement.map)
          )
        }
        picture.unchanged.maps.append(maps[0])
        for row in sources.indices { picture.attacked[row].maps.append(maps[row + 1]) }
        for row in sums.indices {
          sums[row][index].add(measured[row + 1], benign: measured[0], label: record.label, target: record.target)
        }
      }
      try drawn(picture)
    }
    images = records.map(\.image)
    entries = sums.dropLast().map { row in row.map(\.entry) }
    unchanged = sums[sources.count].map(\.entry)
  }

  private struct Sums {
    var count = 0
    var l1 = 0.0
    var spearman: [Double] = []
    var asTarget = 0
    var asLabel = 0
    var probability = 0.0

    mutating func add(_ measurement: Measurement, benign: Measurement, label: Int, target: Int) {
      count += 1
      l1 += MapMetrics.l1(benign.map, measurement.map)
      if let correlation = MapMetrics.spearman(benign.map, measurement.map) { spearman.append(correlation) }
      if measurement.label == target { asTarget += 1 }
      if measurement.label == label { asLabel += 1 }
      probability += measurement.targetProbability
    }

    var entry: Entry {
      let number = Double(count)
      return Entry(
        images: count, l1: l1 / number,
        spearman: spearman.isEmpty ? nil : spearman.reduce(0, +) / Double(spearman.count),
        asTarget: asTarget, asLabel: asLabel, targetProbability: probability / number)
    }
  }

  func position(of interpreter: PaperInterpreter) -> Int? { columns.firstIndex { $0.interpreter == interpreter } }

  /// The entry of a source at its own interpreter, and the smallest of its others; nil where there are not both.
  func diagonal(of source: Int) -> (own: Double, smallestOther: Double)? {
    guard let interpreter = sources[source].interpreter, let own = position(of: interpreter) else { return nil }
    let others = columns.indices.filter { $0 != own }.map { entries[source][$0].l1 }
    return others.min().map { (entries[source][own].l1, $0) }
  }
}
