import Glibc
package import LinuxSystem

/// The socket that clients connect to: ours, with a file that we remove again, or systemd's, whose file is not ours.
package struct ControlSocket: ~Copyable, Sendable {
    let listener: UnixListener
    /// Of a file that is ours to unlink.
    let path: String?

    /// Makes the socket file, mode 0600, and its directory, mode 0700.
    ///
    /// A file that is left of a daemon that died is replaced. Only ECONNREFUSED proves that: any other answer means that
    /// somebody may live there.
    ///
    /// - Throws: `alreadyServed`, `pathTaken`, or `socket` with the kernel's reason.
    package static func binding(_ path: String) throws(ControlPlaneError) -> ControlSocket {
        try failing("could not make the directory of the control socket \(path)") { () throws(SystemError) in
            try Files.makeDirectories(Files.parent(of: path))
        }
        let failure = "could not make the control socket \(path)"
        let status = try failing(failure) { () throws(SystemError) in try Files.status(path) }
        if let status {
            guard status.kind == .socket else {
                throw ControlPlaneError(
                    code: .pathTaken, message: "\(path) is in the way: it is no socket",
                    hint: "move it, or set control.socket to another path")
            }
            let isAlive = try failing("could not find out who listens on \(path)") { () throws(SystemError) in
                try isServed(path)
            }
            guard !isAlive else {
                throw ControlPlaneError(
                    code: .alreadyServed, message: "another uploaderd answers on \(path)",
                    hint: "uploaderctl status shows it; stop it first, or use other directories")
            }
            try failing(failure) { () throws(SystemError) in try Files.unlink(path) }
        }
        do throws(SystemError) {
            return ControlSocket(listener: try UnixListener(binding: path), path: path)
        } catch {
            throw refusal(failure, error)
        }
    }

    /// Takes the listening socket of a socket unit; its file stays when we go.
    package static func inherited(_ descriptor: consuming Descriptor) throws(ControlPlaneError) -> ControlSocket {
        do throws(SystemError) {
            return ControlSocket(listener: try UnixListener(inherited: descriptor), path: nil)
        } catch {
            throw ControlPlaneError(code: .socket, message: "could not use the inherited socket", cause: error)
        }
    }

    /// Nobody will be served: the file goes, and those who wait are turned away.
    package consuming func abandon() {
        guard let path else { return }
        do throws(SystemError) {
            try Files.unlink(path)
        } catch {
            // Harmless: nobody listens there, which the next daemon finds out.
        }
    }

    private static func isServed(_ path: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try UnixConnection.connect(to: path)
            return true
        } catch {
            if error.code == ECONNREFUSED { return false }
            // Its queue of waiting connections is full: unix(7). Busy, but alive.
            if error.wouldBlock { return true }
            throw error
        }
    }

    private static func failing<Result>(
        _ message: String, _ body: () throws(SystemError) -> Result
    ) throws(ControlPlaneError) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw refusal(message, error)
        }
    }

    private static func refusal(_ message: String, _ cause: SystemError) -> ControlPlaneError {
        ControlPlaneError(
            code: .socket, message: message,
            hint: cause.isNoSpace ? "free space on that file system" : "set control.socket to a path of yours",
            cause: cause)
    }
}
