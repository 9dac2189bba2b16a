/// Names are bytes. Swift takes texts for equal that look alike ("é" in one code point and in two), the file system, the
/// catalog and the stores do not: two such files are two sources.
extension String {
    package static func sameBytes(_ a: String, _ b: String) -> Bool {
        // The first comparison is quick, and right unless it says yes.
        a == b && a.utf8.elementsEqual(b.utf8)
    }

    /// The order of SQLite's BINARY collation.
    package static func precedesInBytes(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }
}
