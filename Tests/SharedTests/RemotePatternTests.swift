import Shared
import Testing

@Suite("A pattern for remotes")
struct RemotePatternTests {
    @Test(
        "matches every way to write the same remote",
        arguments: [
            "https://github.com/acme/tool.git", "https://user:word@github.com/acme/tool",
            "git@github.com:acme/tool.git",
            "https://github.com/%61c%4De/tool%2Egit", "ssh://git@github.com:22/acme/tool.git/",
            "git://GitHub.com/Acme/tool", "github.com:acme/tool",
        ])
    func forms(_ url: String) {
        for pattern in [
            "*github.com/acme/*", "github.com/acme/tool", "github.com/acme", "GitHub.com", "*/tool", "*acme*",
            "GITHUB.com/acme/too?",
        ] {
            #expect(RemotePattern(pattern).matches(url), "\(pattern) \(url)")
        }
        for pattern in [
            "*github.com/acme/tools", "github.com/acm", "github.com/acme/to", "gitlab.com/*", "acme/*",
            "?github.com/acme/tool",
        ] {
            #expect(!RemotePattern(pattern).matches(url), "\(pattern) \(url)")
        }
    }

    @Test("matches a URL as it is written, too")
    func whole() {
        #expect(RemotePattern("git@github.com:acme/*").matches("git@github.com:acme/tool.git"))
        #expect(RemotePattern("github.com/acme/c++").matches("https://github.com/acme/%63++"))
        #expect(RemotePattern("https://*").matches("https://example.com/x"))
        #expect(RemotePattern("/srv/git/*").matches("/srv/git/tool.git"))
        #expect(!RemotePattern("https://*").matches("ssh://example.com/x"))
    }

    @Test("ends, whatever it is")
    func hostile() {
        let pattern = RemotePattern(String(repeating: "*a", count: 500) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 20_000)))
    }
}
