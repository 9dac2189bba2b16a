import LinuxSystem
import Shared

extension DeliveryError {
    /// Between two looks at a store that somebody has to mend. A look at a folder costs nothing, one request in half a minute little.
    static let pause: Duration = .seconds(30)

    /// What a disk has answered. Most of it may pass: full, gone, broken. Refused and read-only somebody has to mend.
    init(_ error: SystemError, _ verb: String, _ key: ObjectKey, in root: String) {
        let message = "could not \(verb) object \(key) in \(root): \(error.reason)"
        if error.isNoSpace {
            self.init(.transient, message, hint: "free space on the disk of \(root)")
        } else if error.isRefused || error.isReadOnly {
            self.init(
                .unusable, message,
                hint:
                    "let this user write in \(root); in a sandboxed unit add ReadWritePaths=\(root) with systemctl --user edit uploaderd",
                retryAfter: Self.pause)
        } else {
            self.init(.transient, message)
        }
    }

    /// Nothing of ours, and no fault of the rest of the store.
    static func notAFile(_ key: ObjectKey, in root: String) -> DeliveryError {
        DeliveryError(.conflict, "what is called \(key) in \(root) is no regular file", hint: "move it away")
    }

    /// - Parameter link: absolute.
    static func throughLink(_ link: String, isOfWholeStore: Bool) -> DeliveryError {
        DeliveryError(
            isOfWholeStore ? .unusable : .conflict,
            "\(link) is a link: nothing below a store's folder is read or written through one",
            hint: "put what it leads to in its place, or remove it", retryAfter: isOfWholeStore ? pause : nil)
    }
}
