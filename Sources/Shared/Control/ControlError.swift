/// Why a call was answered with no: what the daemon's harness sends, and what its client throws.
package struct ControlError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        /// No session of that id is known here, or in the named destination.
        case noSuchSession
        /// The session is known, but nothing of it is what was asked for: no such checkpoint, line, stream, destination.
        case noMatch
        /// A destination, or the disk, could not be read.
        case backendError
        /// Bytes came that are not those that were stored.
        case damaged
        /// Not now: another such operation is under way, or a limit is reached.
        case busy
        /// A rule forbids it, and asking again will not help.
        case refused
        /// `problems` says all that is wrong.
        case invalidConfiguration
        /// What came is no call of the protocol; the connection closes.
        case badRequest

        // org.varlink.service
        case interfaceNotFound(String)
        case methodNotFound(String)
        case methodNotImplemented(String)
        case invalidParameter(String)
        case permissionDenied
        case expectedMore

        // Never sent.
        /// The peer is gone; nobody reads an answer.
        case disconnected
        /// What came is no reply of the protocol.
        case badReply
        /// An error that this version does not know.
        case unknown(String)
    }

    package var code: Code
    package var message: String
    package var hint: String?
    package var problems: [ProblemMessage]
    /// The error below, as a sentence; the wire carries it at the end of `message`.
    package var cause: String?

    package init(
        _ code: Code, _ message: String, hint: String? = nil, problems: [ProblemMessage] = [], cause: String? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.problems = problems
        self.cause = cause
    }

    package static func invalidParameter(_ name: String) -> ControlError {
        ControlError(.invalidParameter(name), "the parameter \(name) is missing, unknown or not what it should be")
    }

    package static let disconnected = ControlError(.disconnected, "the peer closed the connection")

    package var sentence: String { cause.map { "\(message): \($0)" } ?? message }
}

extension ControlError.Code {
    private static let own: [(ControlError.Code, String)] = [
        (.noSuchSession, "NoSuchSession"), (.noMatch, "NoMatch"), (.backendError, "BackendError"),
        (.damaged, "Damaged"), (.busy, "Busy"), (.refused, "Refused"), (.badRequest, "BadRequest"),
        (.invalidConfiguration, "InvalidConfiguration"),
    ]

    package var varlinkName: String {
        let service = "\(ControlInterface.serviceName)."
        switch self {
        case .interfaceNotFound: return service + "InterfaceNotFound"
        case .methodNotFound: return service + "MethodNotFound"
        case .methodNotImplemented: return service + "MethodNotImplemented"
        case .invalidParameter: return service + "InvalidParameter"
        case .permissionDenied: return service + "PermissionDenied"
        case .expectedMore: return service + "ExpectedMore"
        case .unknown(let name): return name
        case .disconnected, .badReply: return "\(ControlInterface.name).BadRequest"
        case .noSuchSession, .noMatch, .backendError, .damaged, .busy, .refused, .invalidConfiguration, .badRequest:
            let name = Self.own.first { $0.0 == self }?.1 ?? "BadRequest"
            return "\(ControlInterface.name).\(name)"
        }
    }

    fileprivate static func own(named name: String) -> ControlError.Code? { own.first { $0.1 == name }?.0 }
}

extension ControlError {
    package var varlinkParameters: [String: JSONValue] {
        switch code {
        case .interfaceNotFound(let name): return ["interface": .string(name)]
        case .methodNotFound(let name), .methodNotImplemented(let name): return ["method": .string(name)]
        case .invalidParameter(let name): return ["parameter": .string(name)]
        case .permissionDenied, .expectedMore: return [:]
        case .noSuchSession, .noMatch, .backendError, .damaged, .busy, .refused, .badRequest, .disconnected, .badReply,
            .unknown, .invalidConfiguration:
            var members: [String: JSONValue] = ["message": .string(sentence)]
            if let hint { members["hint"] = .string(hint) }
            if code == .invalidConfiguration { members["problems"] = .array(problems.map(\.value)) }
            return members
        }
    }

    /// The error that a reply carries.
    package init(varlinkName name: String, parameters: JSONValue) {
        func text(_ key: String) -> String { parameters[key]?.text ?? "" }
        let said = text("message").isEmpty ? "it answered with the error \(name)" : text("message")
        if name.hasPrefix("\(ControlInterface.name)."),
            let own = Code.own(named: String(name.dropFirst(ControlInterface.name.utf8.count + 1)))
        {
            let problems = (parameters["problems"]?.elements ?? []).compactMap { ProblemMessage($0) }
            self.init(own, said, hint: parameters["hint"]?.text, problems: problems)
            return
        }
        let service = "\(ControlInterface.serviceName)."
        switch name.hasPrefix(service) ? String(name.dropFirst(service.utf8.count)) : "" {
        case "InterfaceNotFound":
            self.init(.interfaceNotFound(text("interface")), "it does not serve the interface \(text("interface"))")
        case "MethodNotFound":
            self.init(.methodNotFound(text("method")), "it does not know the method \(text("method"))")
        case "MethodNotImplemented":
            self.init(.methodNotImplemented(text("method")), "it does not implement the method \(text("method"))")
        case "InvalidParameter": self = .invalidParameter(text("parameter"))
        case "PermissionDenied": self.init(.permissionDenied, "it serves only the user that it runs as")
        case "ExpectedMore": self.init(.expectedMore, "the method has more than one reply")
        default:
            self.init(.unknown(name), said, hint: parameters["hint"]?.text)
        }
    }
}

/// One thing wrong with a configuration.
package struct ProblemMessage: Hashable, Sendable, Codable {
    /// Where it stands, for people: `/home/u/.config/uploaderd/uploaderd.toml:12`, `flag --once`.
    package var origin: String
    package var file: String?
    /// From 1.
    package var line: Int?
    /// Empty: it is about no key.
    package var key: String
    package var message: String
    package var hint: String?

    package init(
        origin: String, file: String? = nil, line: Int? = nil, key: String, message: String, hint: String? = nil
    ) {
        self.origin = origin
        self.file = file
        self.line = line
        self.key = key
        self.message = message
        self.hint = hint
    }

    package init(_ problem: ConfigurationProblem) {
        self.init(
            origin: problem.origin.description, file: problem.file, line: problem.line, key: problem.key,
            message: problem.message, hint: problem.hint)
    }

    init?(_ value: JSONValue) {
        guard let message = value["message"]?.text else { return nil }
        self.init(
            origin: value["origin"]?.text ?? "", file: value["file"]?.text,
            line: value["line"]?.int.map { Int(clamping: $0) }, key: value["key"]?.text ?? "", message: message,
            hint: value["hint"]?.text)
    }

    var value: JSONValue {
        var members: [String: JSONValue] = [
            "origin": .string(origin), "key": .string(key), "message": .string(message),
        ]
        if let file { members["file"] = .string(file) }
        if let line { members["line"] = .integer(Int64(line)) }
        if let hint { members["hint"] = .string(hint) }
        return .object(members)
    }
}
