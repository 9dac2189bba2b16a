import Configuration
import Glibc
import Redaction
import Shared
import Testing

/// A home of its own, with a configuration file or none.
final class Fixture {
    let home: String
    var environment: [String: String]

    init(_ toml: String? = nil, environment: [String: String] = [:]) throws {
        var template = Array("/tmp/uploaderd-configuration-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } != nil }
        try #require(made)
        home = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.environment = ["HOME": home].merging(environment) { $1 }
        for folder in ["/.config", "/.config/uploaderd"] { mkdir(home + folder, 0o700) }
        if let toml { try write(toml) }
    }

    deinit {
        for path in files { unlink(path) }
        for folder in ["/.config/uploaderd", "/.config", ""] { rmdir(home + folder) }
    }

    private var files: [String] = []

    var file: String { home + "/.config/uploaderd/uploaderd.toml" }

    func write(_ toml: String) throws { try write(Array(toml.utf8), to: file) }

    func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws {
        let stream = try #require(fopen(path, "w"))
        fwrite(bytes, 1, bytes.count, stream)
        fclose(stream)
        chmod(path, mode)
        files.append(path)
    }

    func read(_ arguments: [String] = []) -> ConfigurationLoad {
        ConfigurationLoad.read(
            ConfigurationInput(
                arguments: arguments, environment: environment, workingDirectory: "/srv/here", processID: 4711,
                hostName: "machine", ruleCheck: RuleCheck.problems(of:)))
    }

    func loaded(_ arguments: [String] = [], _ place: SourceLocation = #_sourceLocation) throws -> LoadedConfiguration {
        let load = read(arguments)
        guard case .loaded(let loaded) = load else {
            for problem in load.problems { Issue.record("\(problem)", sourceLocation: place) }
            throw Refused()
        }
        return loaded
    }

    func problems(_ arguments: [String] = []) -> [ConfigurationProblem] { read(arguments).problems }

    struct Refused: Error {}
}

extension ConfigurationLoad {
    var problems: [ConfigurationProblem] {
        if case .refused(let problems) = self { problems } else { [] }
    }
}

extension LoadedConfiguration {
    func origin(_ key: String) -> String? { entries.first { $0.key == key }?.origin.description }
    func shown(_ key: String) -> String? { entries.first { $0.key == key }?.value }
}

/// A complete destination of a remote type, and the path of its credentials.
func remote(_ type: String, _ lines: String, name: String = "far") -> String {
    "[[destination]]\nname = \"\(name)\"\ntype = \"\(type)\"\n\(lines)\n"
}
