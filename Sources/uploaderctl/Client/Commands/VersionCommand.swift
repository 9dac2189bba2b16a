import Shared

extension Command {
    static let version = Command("version", "the version of uploaderctl, and of the daemon if one answers") {
        (context) throws(ClientError) in
        var versions = Versions(uploaderctl: Product.version)
        do throws(ClientError) {
            versions.uploaderd = try DaemonConnection(to: try context.socketPath()).info.version
        } catch {
            // No daemon is no error here: the line says so.
            versions.daemon = error.sentence
        }
        if context.json {
            try context.writeJSON(versions)
        } else {
            let theirs = versions.uploaderd ?? "- (\(versions.daemon ?? ""))"
            try context.console.write(
                "uploaderctl \(versions.uploaderctl)\nuploaderd   \(TerminalText.escaped(theirs))\n")
        }
        return .done
    }

    private struct Versions: Encodable {
        var uploaderctl: String
        var uploaderd: String?
        /// Why the daemon's is not known.
        var daemon: String?
    }
}
