import Capture
import Glibc
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

@Suite("Privacy rules")
struct PrivacyRulesTests {
    private func rules(
        directories: [String] = [], repositories: [String] = [], only: [String] = []
    ) throws -> PrivacyRules {
        var configuration = PrivacyConfiguration()
        configuration.excludeDirectories = directories
        configuration.excludeRepositories = repositories
        configuration.includeOnly = only
        return try #require(PrivacyRules(configuration))
    }

    private func standing(_ rules: PrivacyRules, _ directory: String?, git: JSONValue? = nil) -> SessionStanding {
        rules.verdict(of: PrivacyRules.Place(directory: directory, git: git)).standing
    }

    private func write(_ text: String, _ path: String) throws {
        try Files.makeDirectories(Files.parent(of: path))
        try Files.writeDurably(Array(text.utf8), to: path)
    }

    private static let remote = """
        [core]
        \tbare = false
        [Remote "origin"]
          url = "git@github.com:acme/tool.git"
          fetch = +refs/heads/*:refs/remotes/origin/*
        [branch "main"]
          url = https://elsewhere.example/x
        """

    @Test("keep an agent's sessions, wherever they run; where nothing else is asked for, nothing else need be known")
    func agents() throws {
        var configuration = PrivacyConfiguration()
        configuration.excludeAgents = ["codex"]
        let rules = try #require(PrivacyRules(configuration))
        for (agent, expected) in [(Agent.codex, SessionStanding.excluded), (.claude, .open)] {
            for directory in [nil, "/nowhere"] {
                let place = PrivacyRules.Place(directory: directory, git: nil, agent: agent)
                #expect(rules.verdict(of: place).standing == expected)
            }
        }
        configuration.excludeDirectories = ["/secret"]
        let both = try #require(PrivacyRules(configuration))
        #expect(both.digest != rules.digest)
        #expect(both.verdict(of: PrivacyRules.Place(directory: nil, git: nil, agent: .claude)).standing == .undecided)
        #expect(both.verdict(of: PrivacyRules.Place(directory: nil, git: nil, agent: .codex)).standing == .excluded)
    }

    @Test("do not know a directory that is none", arguments: ["", "work", "~/private", "file:///home/u/private"])
    func noDirectory(_ text: String) throws {
        #expect(standing(try rules(directories: ["/home/u/private"]), text) == .undecided)
        #expect(standing(try rules(only: ["/home/u/open"]), text) == .undecided)
    }

    @Test("look where .. leads")
    func dots() throws {
        let scratch = try Scratch()
        for folder in ["open", "private"] { try Files.makeDirectories(scratch(folder)) }
        let way = "\(scratch("open"))/../private"
        #expect(standing(try rules(only: [scratch("open")]), way) == .excluded)
        #expect(standing(try rules(directories: [scratch("private")]), way) == .excluded)
        #expect(standing(try rules(directories: [scratch("open")]), way) == .open)
    }

    @Test(
        "find a remote however git's file is written",
        arguments: [
            "[remote \"w\"] url = https://github.com/acme/tool\n",
            "[remote \"w\"]\n\turl = https://github.com/\\\nacme/tool\n",
        ])
    func oneLine(_ config: String) throws {
        let scratch = try Scratch()
        try write(config, scratch("tool/.git/config"))
        #expect(standing(try rules(repositories: ["github.com/acme"]), scratch("tool")) == .excluded)
    }

    @Test("keep what lies in an excluded directory, by either of its names")
    func directories() throws {
        let scratch = try Scratch("rules")
        try Files.makeDirectories(scratch("real/inside"))
        try #require(symlink(scratch("real"), scratch("link")) == 0)
        for rule in [scratch("real"), scratch("link"), scratch("link/")] {
            let rules = try rules(directories: [rule])
            for directory in ["real", "link", "real/inside", "link/inside", "link/gone", "real/./inside"] {
                #expect(standing(rules, scratch(directory)) == .excluded, "\(rule) \(directory)")
            }
            for directory in ["really", "", "other/real"] {
                #expect(standing(rules, scratch(directory)) == .open, "\(rule) \(directory)")
            }
            #expect(standing(rules, nil) == .undecided)
        }
    }

    @Test("keep what is in an excluded repository, wherever in it, in a worktree and in a submodule")
    func repositories() throws {
        let scratch = try Scratch("rules")
        try write(Self.remote, scratch("tool/.git/config"))
        try Files.makeDirectories(scratch("tool/deep/inside"))
        try write("gitdir: \(scratch("tool/.git/worktrees/w"))\n", scratch("worktree/.git"))
        try write("../..\n", scratch("tool/.git/worktrees/w/commondir"))
        try write("gitdir: ../.git/modules/sub\n", scratch("tool/sub/.git"))
        try write("[remote \"origin\"]\nurl = https://github.com/acme/sub\n", scratch("tool/.git/modules/sub/config"))
        try write("[remote \"origin\"]\nurl = https://gitlab.com/other/x\n", scratch("other/.git/config"))
        try Files.makeDirectories(scratch("plain"))
        let rules = try rules(repositories: ["*github.com/acme/*"])
        for directory in ["tool", "tool/deep/inside", "worktree", "tool/sub"] {
            #expect(standing(rules, scratch(directory)) == .excluded, "\(directory)")
        }
        for directory in ["other", "plain"] { #expect(standing(rules, scratch(directory)) == .open, "\(directory)") }
        // What is not there any more may have been any repository, unless the agent said which.
        #expect(standing(rules, scratch("gone")) == .undecided)
        let git = JSONValue.object(["repo_url": .string("git@github.com:acme/tool.git")])
        #expect(standing(rules, scratch("gone"), git: git) == .excluded)
        let another = JSONValue.object(["repo_url": .string("git@github.com:mine/tool.git")])
        #expect(standing(rules, scratch("gone"), git: another) == .open)
        #expect(standing(rules, nil, git: git) == .excluded)
    }

    @Test("find a remote wherever git finds it, and say nothing where it may be in another file")
    func elsewhere() throws {
        let scratch = try Scratch("rules")
        func config(_ name: String) -> String { "[remote \"origin\"]\n\turl = \(name)\n" }
        try write("[core]\nbare = true\n" + config("https://github.com/acme/x"), scratch("bare.git/config"))
        try write("ref: refs/heads/main\n", scratch("bare.git/HEAD"))
        try Files.makeDirectories(scratch("bare.git/objects"))
        try write("[extensions]\nworktreeConfig = true\n", scratch("own/.git/config"))
        try write(config("https://github.com/acme/x"), scratch("own/.git/config.worktree"))
        try write(
            config("gh:acme/x") + "[url \"https://github.com/\"]\n\tinsteadOf = gh:\n", scratch("short/.git/config"))
        let rules = try rules(repositories: ["*github.com/acme/*"])
        for directory in ["bare.git", "bare.git/objects", "own", "short"] {
            #expect(standing(rules, scratch(directory)) == .excluded, "\(directory)")
        }
        try write("[include]\n\tpath = ../other\n", scratch("including/.git/config"))
        #expect(standing(rules, scratch("including")) == .undecided)
        // No repository: what makes one is not all there.
        try write(config("https://github.com/acme/x"), scratch("tool/config"))
        #expect(standing(rules, scratch("tool")) == .open)
    }

    @Test("do not wait for what is in the place of git's file")
    func hostile() throws {
        let scratch = try Scratch("rules")
        try Files.makeDirectories(scratch("fifo/.git"))
        try #require(mkfifo(scratch("fifo/.git/config"), 0o600) == 0)
        try Files.makeDirectories(scratch("pointer"))
        try #require(mkfifo(scratch("pointer/.git"), 0o600) == 0)
        let rules = try rules(repositories: ["*acme*"])
        #expect(RepositoryRemotes.of(directory: scratch("fifo")) == .unknown)
        #expect(standing(rules, scratch("fifo")) == .undecided)
        #expect(RepositoryRemotes.of(directory: "/proc/self/fd") == .none)
    }

    @Test("let only through what include_only names, and exclude before that")
    func includes() throws {
        let scratch = try Scratch("rules")
        try write(Self.remote, scratch("tool/.git/config"))
        try Files.makeDirectories(scratch("work/secret"))
        try Files.makeDirectories(scratch("home"))
        let rules = try rules(directories: [scratch("work/secret")], only: [scratch("work"), "*/acme/*"])
        #expect(standing(rules, scratch("work")) == .open)
        #expect(standing(rules, scratch("tool")) == .open)
        #expect(standing(rules, scratch("work/secret")) == .excluded)
        #expect(standing(rules, scratch("home")) == .excluded)
        #expect(standing(rules, scratch("gone")) == .undecided)
        #expect(standing(rules, nil) == .undecided)
    }

    @Test("are others when a word of them is")
    func digest() throws {
        let digests = try [
            rules(directories: ["/a"]), rules(directories: ["/b"]), rules(only: ["/a"]),
            rules(directories: ["/a", "/b"]),
        ].map(\.digest)
        #expect(Set(digests).count == digests.count)
        #expect(try rules(directories: ["/a"]).digest == digests[0])
        #expect(PrivacyRules(PrivacyConfiguration()) == nil)
    }
}
