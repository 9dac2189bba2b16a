import LinuxSystem
import Shared

/// The remotes of the repository that a directory lies in, read from git's own file. No git runs: in a stranger's directory it would
/// run what that directory says.
///
///     <dir>/.git            a folder with `config`, or a file `gitdir: <path>` of a worktree or a submodule, whose folder has
///                           `config`, or `commondir` with the path of the one that has
///     config                [remote "origin"]
///                               url = git@example.com:team/project.git
///
/// `include` and `insteadOf` are not followed.
package enum RepositoryRemotes: Sendable, Hashable {
    /// It lies in no repository.
    case none
    case urls([String])
    /// The directory is not there any more, or what is there cannot be read.
    case unknown

    private static let longest = 1 << 20

    /// Blocks. Whoever wrote the session may have named any directory: nothing is opened but regular files of these names.
    package static func of(directory: String) -> RepositoryRemotes {
        do throws(SystemError) {
            guard try Files.status(directory, followLinks: true)?.kind == .directory else { return .unknown }
            var folder = directory
            while true {
                if let config = try config(of: "\(folder == "/" ? "" : folder)/.git") { return try read(config) }
                if folder == "/" || folder == "." { return .none }
                folder = Files.parent(of: folder)
            }
        } catch {
            return .unknown
        }
    }

    private static func config(of git: String) throws(SystemError) -> String? {
        guard let kind = try Files.status(git, followLinks: true)?.kind else { return nil }
        guard kind == .regular else { return "\(git)/config" }
        let text = try line(of: git)
        guard text.hasPrefix("gitdir:") else { return nil }
        let folder = absolute(trimmed(text.dropFirst("gitdir:".count)), below: Files.parent(of: git))
        let common = "\(folder)/commondir"
        guard try Files.status(common, followLinks: true) != nil else { return "\(folder)/config" }
        return "\(absolute(try line(of: common), below: folder))/config"
    }

    private static func read(_ path: String) throws(SystemError) -> RepositoryRemotes {
        guard try Files.status(path, followLinks: true) != nil else { return .none }
        return .urls(urls(in: String(decoding: try bytes(of: path), as: UTF8.self)))
    }

    private static func bytes(of path: String) throws(SystemError) -> [UInt8] {
        // Opening a FIFO would wait for who writes into it.
        guard try Files.status(path, followLinks: true)?.kind == .regular else {
            throw SystemError("read", path: path, code: 22)
        }
        return try Files.readAll(path, limit: longest)
    }

    private static func line(of path: String) throws(SystemError) -> String {
        trimmed(String(decoding: try bytes(of: path).prefix { $0 != 0x0A }, as: UTF8.self))
    }

    private static func absolute(_ path: String, below folder: String) -> String {
        path.hasPrefix("/") ? path : "\(folder)/\(path)"
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let start = text.drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }

    /// Of every remote: git-config(1), "Syntax".
    static func urls(in config: String) -> [String] {
        var found: [String] = []
        var isInRemote = false
        // A backslash at a line's end: it goes on in the next one.
        let whole = config.replacing("\\\r\n", with: "").replacing("\\\n", with: "")
        for var line in whole.split(whereSeparator: \.isNewline).map({ trimmed($0) }) {
            if line.hasPrefix("[") {
                isInRemote = line.lowercased().hasPrefix("[remote")
                // A setting may stand behind the section's name; that is in quotes, and may hold a bracket.
                guard let end = line.lastIndex(of: "]") else { continue }
                line = trimmed(line[line.index(after: end)...])
            }
            guard isInRemote, let equals = line.firstIndex(of: "=") else { continue }
            let key = trimmed(line[..<equals]).lowercased()
            guard key == "url" || key == "pushurl" else { continue }
            var value = trimmed(line[line.index(after: equals)...])
            if value.hasPrefix("\""), value.hasSuffix("\""), value.count > 1 {
                value = String(value.dropFirst().dropLast())
            }
            if !value.isEmpty { found.append(value) }
        }
        return found
    }
}
