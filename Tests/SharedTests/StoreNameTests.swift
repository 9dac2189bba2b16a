import Shared
import TestSupport
import Testing

@Suite("A name in a store")
struct StoreNameTests {
    @Test(
        "is escaped as the format says",
        arguments: [
            ("ses_0abc", "ses_0abc"), ("a b/../c", "a_20b_2F.._2Fc"), ("ses_AB", "ses_5FAB"), ("ses_ab", "ses_ab"),
            ("", "_"), (".", "_2E"), ("..", "_2E."), (".git", "_2Egit"), ("a\0b", "a_00b"), ("é", "_C3_A9"),
            ("a_", "a_"), ("a_2", "a_2"), ("a_20", "a_5F20"), ("a%2f", "a_252f"), ("-rf", "-rf"), ("A~1", "A_7E1"),
        ])
    func examples(text: String, name: String) { #expect(StoreName.escaped(text) == name) }

    @Test("is one that every store and file system takes, and no other text's")
    func hostile() {
        let seed = UInt64.random(in: 0..<1_000_000)
        print("StoreNameTests seed \(seed)")
        let random = SeededRandom(seed)
        let pieces = [
            "a", "_", "__", "_2", "5F", "_5F", "20", "_20", ".", "..", "/", "\\", " ", "\n", "\0", "é", "e\u{301}", "😀",
            "%2F", "\u{202E}", "~", "-", "Z",
        ]
        var known: [String: [UInt8]] = [:]
        for _ in 0..<20_000 {
            let text = (0..<random.within(1...6)).map { _ in pieces[random.below(pieces.count)] }.joined()
            let name = StoreName.escaped(text)
            let isPlain = name.utf8.allSatisfy { Self.allowed.contains($0) }
            #expect(isPlain && !name.isEmpty && name.utf8.count <= 200 && !name.hasPrefix("."), "seed \(seed): \(name)")
            // An underscore alone is also what an empty text becomes, and that is no id.
            let first = known.updateValue(Array(text.utf8), forKey: name)
            #expect(first == nil || first == Array(text.utf8), "seed \(seed): two texts are \(name)")
        }
    }

    private static let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-".utf8)

    @Test("that would be too long keeps its beginning and is told apart by a hash")
    func long() {
        let (a, b) = (String(repeating: "é", count: 100) + "a", String(repeating: "é", count: 100) + "b")
        #expect(StoreName.escaped(a).utf8.count == 198 && StoreName.escaped(a) != StoreName.escaped(b))
        #expect(StoreName.escaped(a).hasPrefix("_C3_A9_C3_A9"))
        let longest = String(repeating: "x", count: 200)
        #expect(StoreName.escaped(longest) == longest)
    }

    @Test("of a stream is escaped between its slashes")
    func paths() throws {
        let stream = try #require(StreamName("agents/a b/.."))
        #expect(StoreName.escapedPath(stream) == "agents/a_20b/_2E.")
    }

    @Test("comes only from texts that can be ids", arguments: ["", " ", "a b", "a\nb", "a\u{A0}b", "\u{7F}", "\0"])
    func ids(text: String) { #expect(SessionID(text) == nil) }

    @Test("tells ids apart by their bytes, however alike they look")
    func bytes() throws {
        let (one, two) = (try #require(SessionID("\u{E9}")), try #require(SessionID("e\u{301}")))
        #expect(one != two && (one < two) != (two < one))
        #expect(StreamName("a//b") == nil && StreamName("/a") == nil && StreamName("a/") == nil)
    }
}
