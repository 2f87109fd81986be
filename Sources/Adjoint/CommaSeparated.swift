/// Tables of text with commas between fields (RFC 4180, without line breaks inside of fields).
public enum CommaSeparated {
  /// A field as it is written: in quotes where it holds a comma, a quote or a line break.
  static func field(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"").replacing("\n", with: " ") + "\""
  }

  public static func line(_ fields: [String]) -> String { fields.map(field).joined(separator: ",") + "\n" }

  /// The fields of a line.
  static func fields(_ line: String) -> [String] {
    var fields = [""]
    var isQuoted = false
    var previous: Character?
    for character in line {
      if character == "\"" {
        // Two of them inside of quotes are one.
        if !isQuoted && previous == "\"" { fields[fields.count - 1].append("\"") }
        isQuoted.toggle()
      } else if character == "," && !isQuoted {
        fields.append("")
      } else {
        fields[fields.count - 1].append(character)
      }
      previous = character == "\"" && previous == "\"" && isQuoted ? nil : character
    }
    return fields
  }
}
