import LinuxSystem
import Shared

/// The remotes of the repository that a directory lies in, read from git's own file. No git runs: in a stranger's directory it would
/// run what that directory says.
///
///     <dir>/.git            a folder with `config`, or a file `gitdir: <path>` of a worktree or a submodule, whose folder has
///                           `config`, or `commondir` with the path of the one that has
///     <dir>                 itself, where it is a repository without a work tree: it has `HEAD`, `objects` and `config`
///     config                [remote "origin"]
///                               url = git@example.com:team/project.git
///     config.worktree       the same, beside it and in a worktree's folder
///
/// An address that `insteadOf` writes anew counts by both. What a configuration includes from elsewhere is not read: nobody
/// knows then which remotes there are.
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
                if let configs = try configs(of: "\(folder == "/" ? "" : folder)/.git") { return try read(configs) }
                if let configs = try bare(folder) { return try read(configs) }
                if folder == "/" || folder == "." { return .none }
                folder = Files.parent(of: folder)
            }
        } catch {
            return .unknown
        }
    }

    private static func configs(of git: String) throws(SystemError) -> [String]? {
        guard let kind = try Files.status(git, followLinks: true)?.kind else { return nil }
        guard kind == .regular else { return inside(git) }
        let text = try line(of: git)
        guard text.hasPrefix("gitdir:") else { return nil }
        let folder = absolute(trimmed(text.dropFirst("gitdir:".count)), below: Files.parent(of: git))
        let common = "\(folder)/commondir"
        guard try Files.status(common, followLinks: true) != nil else { return inside(folder) }
        return inside(absolute(try line(of: common), below: folder)) + ["\(folder)/config.worktree"]
    }

    private static func bare(_ folder: String) throws(SystemError) -> [String]? {
        guard try Files.status("\(folder)/HEAD", followLinks: true) != nil,
            try Files.status("\(folder)/objects", followLinks: true)?.kind == .directory,
            try Files.status("\(folder)/config", followLinks: true)?.kind == .regular
        else { return nil }
        return inside(folder)
    }

    private static func inside(_ folder: String) -> [String] { ["\(folder)/config", "\(folder)/config.worktree"] }

    private static func read(_ paths: [String]) throws(SystemError) -> RepositoryRemotes {
        var config: [String] = []
        for path in paths where try Files.status(path, followLinks: true) != nil {
            config.append(String(decoding: try bytes(of: path), as: UTF8.self))
        }
        if config.isEmpty { return .none }
        return remotes(in: config.joined(separator: "\n"))
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

    /// Of every remote: git-config(1), "Syntax", `url.<base>.insteadOf`, "Includes".
    static func remotes(in config: String) -> RepositoryRemotes {
        var found: [String] = []
        var written: [(begin: String, base: String)] = []
        var section = ""
        var name = ""
        // A backslash at a line's end: it goes on in the next one.
        let whole = config.replacing("\\\r\n", with: "").replacing("\\\n", with: "")
        for var line in whole.split(whereSeparator: \.isNewline).map({ trimmed($0) }) {
            if line.hasPrefix("[") {
                section = line.dropFirst().prefix { $0.isLetter || $0 == "-" }.lowercased()
                // A setting may stand behind the section's name; that is in quotes, and may hold a bracket.
                guard let end = line.lastIndex(of: "]") else { continue }
                name = unquoted(trimmed(line[..<end].dropFirst(section.count + 1)))
                line = trimmed(line[line.index(after: end)...])
            }
            guard let equals = line.firstIndex(of: "=") else { continue }
            let key = trimmed(line[..<equals]).lowercased()
            let value = unquoted(trimmed(line[line.index(after: equals)...]))
            if value.isEmpty { continue }
            switch (section, key) {
            case ("remote", "url"), ("remote", "pushurl"): found.append(value)
            case ("url", "insteadof"), ("url", "pushinsteadof"): written.append((value, name))
            case ("include", "path"), ("includeif", "path"): return .unknown
            default: break
            }
        }
        for url in found {
            for (begin, base) in written where url.hasPrefix(begin) { found.append(base + url.dropFirst(begin.count)) }
        }
        return .urls(found)
    }

    private static func unquoted(_ text: String) -> String {
        text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 1 ? String(text.dropFirst().dropLast()) : text
    }
}
