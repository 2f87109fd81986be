/// The version of this program, recorded with every result.
public let adjointVersion = "0.1.0"
