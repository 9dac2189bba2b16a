import CSystemd
import Engine
import Glibc
import LinuxSystem
import Shared

/// Where this process runs.
enum Machine {
    static var environment: [String: String] {
        var values: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return values
    }

    static var workingDirectory: String {
        guard let text = getcwd(nil, 0) else { return "/" }
        defer { free(text) }
        return String(cString: text)
    }

    static var hostName: String {
        var name = [UInt8](repeating: 0, count: 256)
        let isKnown = name.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { gethostname($0, 255) == 0 } ?? false
            }
        }
        return isKnown ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "localhost"
    }

    private static var user: String {
        guard let entry = getpwuid(geteuid()), let name = entry.pointee.pw_name else { return "\(geteuid())" }
        return String(cString: name)
    }

    /// - Parameters:
    ///   - label: what manifests call the machine.
    ///   - state: where a machine without an id gets one, so that its source marks survive a restart.
    static func facts(label: String, state: String) throws(SystemError) -> MachineFacts {
        let known = try machineID()
        let secret: String
        if let known { secret = known } else { secret = try ownID(in: state) }
        return MachineFacts(
            machine: applicationID() ?? String(secret.prefix(32)), secret: secret, host: label, user: user,
            version: Product.version, process: Int(Process.id))
    }

    /// Never leaves the machine: machine-id(5) asks for that.
    private static func machineID() throws(SystemError) -> String? {
        guard try Files.status("/etc/machine-id", followLinks: true) != nil else { return nil }
        let bytes = try Files.readAll("/etc/machine-id", limit: 4096)
        let text = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        return text.utf8.count == 32 ? text : nil
    }

    /// What may be shown: sd_id128_get_machine_app_specific(3).
    private static func applicationID() -> String? {
        // 32 random digits that name this application.
        let bytes: [UInt8] = [
            0x7d, 0x1c, 0x5e, 0x02, 0x93, 0x4b, 0x4f, 0x6a, 0x8e, 0x35, 0xc0, 0x1f, 0xd9, 0x6e, 0x27, 0xb4,
        ]
        var application = sd_id128_t()
        withUnsafeMutableBytes(of: &application) { $0.copyBytes(from: bytes) }
        var id = sd_id128_t()
        guard sd_id128_get_machine_app_specific(application, &id) >= 0 else { return nil }
        return withUnsafeBytes(of: id) { bytes in
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    private static func ownID(in state: String) throws(SystemError) -> String {
        let path = "\(state)/machine-id"
        if try Files.status(path) != nil {
            return String(decoding: try Files.readAll(path, limit: 4096).prefix { $0 != 0x0A }, as: UTF8.self)
        }
        let id = StoreID(random: SystemRandom()).rawValue
        try Files.makeDirectories(state)
        try Files.writeDurably(Array("\(id)\n".utf8), to: path)
        return id
    }
}
