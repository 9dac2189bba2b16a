/// A pattern for the URL of a repository's remote: `*` is any characters, also slashes, `?` is one; letters of either case.
///
///     *github.com/acme/*      https://github.com/acme/tool.git, git@github.com:acme/tool.git, ssh://git@github.com:22/acme/tool
///
/// It may match the URL as it is, or as host and path: without scheme, user, port and a `.git` at the end. Without `*` and `?` it is
/// a host and path, and matches what lies below, too: `github.com/acme` is all of acme's.
package struct RemotePattern: Sendable, Hashable, CustomStringConvertible {
    package let description: String
    private let scalars: [Unicode.Scalar]

    package init(_ text: String) {
        description = text
        scalars = Array(text.lowercased().unicodeScalars)
    }

    package func matches(_ url: String) -> Bool {
        let plain = Self.plain(url.lowercased())
        if !scalars.contains("*"), !scalars.contains("?") {
            let place = Self.plain(description.lowercased())
            if plain == place || plain.hasPrefix("\(place)/") { return true }
        }
        return [url.lowercased(), plain].contains { matches(Array($0.unicodeScalars)) }
    }

    /// `host/path`.
    static func plain(_ url: String) -> String {
        var text = Substring(url)
        let hasScheme = text.range(of: "://")
        if let scheme = hasScheme { text = text[scheme.upperBound...] }
        if let user = text.prefix(while: { $0 != "/" }).lastIndex(of: "@") { text = text[text.index(after: user)...] }
        var host = String(text.prefix { $0 != "/" && $0 != ":" })
        var path = text.dropFirst(host.count)
        if path.hasPrefix(":") {
            path = path.dropFirst()
            // A port stands only in a URL; else it is where scp's path begins.
            if hasScheme != nil { path = path.drop { $0.isNumber } }
        }
        // What the server takes it for.
        if hasScheme != nil, path.contains("%") {
            path = Substring(PercentEncoding.decoded(String(path), isForm: false).lowercased())
        }
        while path.hasPrefix("/") { path = path.dropFirst() }
        while path.hasSuffix("/") { path = path.dropLast() }
        if path.hasSuffix(".git") { path = path.dropLast(4) }
        if !path.isEmpty { host += "/\(path)" }
        return host
    }

    /// Two places are kept, so a hostile pattern costs no more than its length times the text's.
    private func matches(_ text: [Unicode.Scalar]) -> Bool {
        var (here, there) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while there < text.count {
            if here < scalars.count, scalars[here] == "*" {
                star = (here, there)
                here += 1
            } else if here < scalars.count, scalars[here] == "?" || scalars[here] == text[there] {
                here += 1
                there += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                here = last.pattern + 1
                there = last.text + 1
            } else {
                return false
            }
        }
        return scalars[here...].allSatisfy { $0 == "*" }
    }
}

extension Substring {
    /// Of the first occurrence.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
