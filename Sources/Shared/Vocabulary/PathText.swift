/// Paths as people write them in configuration.
package enum PathText {
    /// The absolute path, without closing or double slashes and `.` components; a leading `~/` is the home.
    ///
    /// Nothing else is expanded, and `..` is left to the kernel, as a link may stand before it.
    ///
    /// - Returns: `nil` for a relative path, an empty one, and one with a NUL.
    package static func absolute(_ text: String, home: String?) -> String? {
        var path = text
        if text == "~" || text.hasPrefix("~/") {
            guard let home else { return nil }
            path = home + text.dropFirst()
        }
        guard path.hasPrefix("/"), !path.utf8.contains(0) else { return nil }
        let parts = path.split(separator: "/").filter { $0 != "." }
        return "/" + parts.joined(separator: "/")
    }

    /// The path of `inner` below `outer`: `nil` when it is not below it. Both absolute as `absolute` returns them.
    package static func relative(_ inner: String, to outer: String) -> String? {
        let prefix = outer == "/" ? "/" : outer + "/"
        guard inner.hasPrefix(prefix), inner.utf8.count > prefix.utf8.count else { return nil }
        return String(inner.dropFirst(prefix.count))
    }
}
