import Glibc

/// The parts of a URL that configuration has to judge.
struct WebAddress {
    var scheme: String
    var host: String
    var hasUserInfo: Bool

    /// - Returns: `nil` unless it is `scheme://host`, perhaps with a port, a path and a query, without white space.
    init?(_ text: String) {
        guard text.utf8.count <= 4096, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        guard let separator = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            text[separator...].hasPrefix("://")
        else { return nil }
        scheme = text[..<separator].lowercased()
        let rest = text[text.index(separator, offsetBy: 3)...]
        var authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        hasUserInfo = false
        if let at = authority.lastIndex(of: "@") {
            hasUserInfo = true
            authority = authority[authority.index(after: at)...]
        }
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            guard Self.isNumeric(host) else { return nil }
            let tail = authority[authority.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { return nil }
            if !tail.isEmpty { port = tail.dropFirst() }
        } else {
            let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, let name = parts.first, !name.isEmpty else { return nil }
            host = name.lowercased()
            if parts.count == 2 { port = parts[1] }
        }
        if let port { guard let number = UInt16(port), number > 0 else { return nil } }
    }

    /// This machine and no other.
    var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        return host.hasPrefix("127.") && Self.isNumeric(host)
    }

    /// An IPv4 or IPv6 address in digits.
    static func isNumeric(_ text: String) -> Bool {
        var room = in6_addr()
        return inet_pton(AF_INET, text, &room) == 1 || inet_pton(AF_INET6, text, &room) == 1
    }
}
