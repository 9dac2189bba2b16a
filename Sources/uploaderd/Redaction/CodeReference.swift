/// Where code reads a value from, which is none itself: `process.env.S3_API_KEY`, `settings.oauth2.client_secret`.
enum CodeReference {
    /// What such names begin with.
    private static let roots: [StaticString] = [
        "process", "env", "os", "settings", "config", "cfg", "conf", "options", "opts", "params", "props", "args",
        "self", "this",
        "ctx", "context", "req", "request", "res", "response", "var", "vars", "local", "module", "data", "each",
        "secrets",
        "inputs", "input", "steps", "needs", "github", "session", "app", "state", "store", "event", "body", "Rails",
        "import",
    ]

    /// Whether the bytes are names with dots between them, the first of them one of these.
    static func isOne(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let dot = bytes.firstIndex(of: UInt8(ascii: ".")), ASCII.isLetter(bytes[0]), dot + 1 < bytes.count else {
            return false
        }
        let isRooted = roots.contains { root in
            dot == root.utf8CodeUnitCount
                && bytes[..<dot].elementsEqual(
                    UnsafeBufferPointer(start: root.utf8Start, count: root.utf8CodeUnitCount))
        }
        guard isRooted else { return false }
        return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { name in
            guard let first = name.first, ASCII.isLetter(first) || first == UInt8(ascii: "_") else { return false }
            return name.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "_") }
        }
    }
}
