import Engine
import Glibc
import LinuxSystem
import Redaction
import Shared
import TestSupport
import Testing

@Suite("The cache of compiled rules")
struct RulesCacheTests {
    private let set = RuleSet(rules: [RuleSet.standard.rules[0]], fields: ["password"])
    private let log = NoLog()

    private struct NoLog: EventLog {
        func record(_ event: Event) {}
    }

    private func isFresh(_ directory: String, _ set: RuleSet) throws -> Bool {
        try RulesCache(directory: directory, log: log).rules(set).compiled() != nil
    }

    @Test("is made in a folder of its own, for this user alone, and is used by the next life")
    func used() throws {
        let scratch = try Scratch()
        let directory = scratch("cache/uploaderd")
        #expect(try isFresh(directory, set))
        #expect(try Files.status("\(directory)/rules")?.mode == 0o600)
        #expect(try Files.status(directory)?.mode == 0o700)
        #expect(try !isFresh(directory, set))
    }

    @Test("is of other rules: they are compiled, and take its place")
    func others() throws {
        let scratch = try Scratch()
        let directory = scratch("cache")
        let stricter = RuleSet(rules: set.rules, fields: ["password", "secret"])
        #expect(try isFresh(directory, set))
        #expect(try isFresh(directory, stricter))
        #expect(try !isFresh(directory, stricter))
        #expect(try isFresh(directory, set))
    }

    @Test("is not believed when others could have written it, or it is not what was written", arguments: 0..<6)
    func untrusted(_ trial: Int) throws {
        let scratch = try Scratch()
        let directory = scratch("cache")
        let path = "\(directory)/rules"
        #expect(try isFresh(directory, set))
        var bytes = try Files.readAll(path)
        switch trial {
        case 0: #expect(chmod(path, 0o620) == 0)
        case 1: #expect(chmod(path, 0o644) == 0)
        case 2: bytes[bytes.count - 1] ^= 1
        case 3: bytes[20] ^= 1
        case 4: bytes.removeLast(100)
        default:
            let elsewhere = scratch("elsewhere")
            try Files.writeDurably(bytes, to: elsewhere)
            try Files.unlink(path)
            #expect(symlink(elsewhere, path) == 0)
        }
        if (2...4).contains(trial) { try Files.writeDurably(bytes, to: path) }
        #expect(try isFresh(directory, set))
        #expect(try Files.status(path)?.kind == .regular)
        #expect(try !isFresh(directory, set), "it was made anew")
    }

    @Test("is done without where it cannot be written")
    func unwritable() throws {
        let scratch = try Scratch()
        let path = scratch("file")
        try Files.writeDurably([1], to: path)
        #expect(try isFresh("\(path)/cache", set))
    }
}
