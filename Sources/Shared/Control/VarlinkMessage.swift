/// A method call as it travels: `{"method", "parameters"?, "more"?, "oneway"?}`.
package struct VarlinkCall: Hashable, Sendable {
    /// With its interface: `io.uploaderd.Control.GetStatus`.
    package var method: String
    package var parameters: [String: JSONValue]
    /// The caller takes several replies.
    package var more: Bool
    /// The caller takes no reply, not even an error.
    package var oneway: Bool

    package init(_ method: String, _ parameters: [String: JSONValue] = [:], more: Bool = false, oneway: Bool = false) {
        self.method = method
        self.parameters = parameters
        self.more = more
        self.oneway = oneway
    }

    /// Reads a frame. Members that the protocol does not name are passed over.
    package init(frame: [UInt8]) throws(ControlError) {
        let value: JSONValue
        do throws(JSONFault) {
            value = try JSONReader.value(of: frame)
        } catch {
            throw ControlError(.badRequest, "the request is not JSON: \(error)")
        }
        guard let method = value["method"]?.text, !method.isEmpty else {
            throw ControlError(.badRequest, "the request names no method")
        }
        self.method = method
        switch value["parameters"] {
        case nil, .null: parameters = [:]
        case .object(let members): parameters = members
        default: throw ControlError(.badRequest, "the request's parameters are no object")
        }
        more = try Self.truth("more", of: value)
        oneway = try Self.truth("oneway", of: value)
        guard try !Self.truth("upgrade", of: value) else {
            throw ControlError(.badRequest, "no call here upgrades its connection to another protocol")
        }
    }

    private static func truth(_ name: String, of request: JSONValue) throws(ControlError) -> Bool {
        switch request[name] {
        case nil, .null: false
        case .bool(let truth): truth
        case .integer, .unsigned, .number, .string, .array, .object:
            throw ControlError(.badRequest, "the request's \(name) is neither true nor false")
        }
    }

    /// The call's JSON text.
    package func text() throws -> [UInt8] {
        var members: [String: JSONValue] = ["method": .string(method), "parameters": .object(parameters)]
        if more { members["more"] = .bool(true) }
        if oneway { members["oneway"] = .bool(true) }
        return try JSONText.encode(JSONValue.object(members))
    }

    /// `io.uploaderd.Control` of `io.uploaderd.Control.GetStatus`; empty without a dot.
    package var interface: String { String(method.prefix(upTo: method.lastIndex(of: ".") ?? method.startIndex)) }

    /// `GetStatus` of `io.uploaderd.Control.GetStatus`.
    package var name: String { method.lastIndex(of: ".").map { String(method[method.index(after: $0)...]) } ?? method }
}

/// A reply as it is made: `{"parameters", "continues"?}`.
package struct VarlinkReply<Parameters: Encodable & Sendable>: Encodable, Sendable {
    package var parameters: Parameters
    /// Further replies to the same call follow.
    package var continues: Bool?

    package init(_ parameters: Parameters, continues: Bool = false) {
        self.parameters = parameters
        self.continues = continues ? true : nil
    }
}

/// An error as it is made: `{"error", "parameters"}`.
package struct VarlinkFault: Encodable, Sendable {
    package var error: String
    package var parameters: JSONValue

    package init(_ fault: ControlError) {
        error = fault.code.varlinkName
        parameters = .object(fault.varlinkParameters)
    }
}

/// A reply as it is read, before anybody knows its type.
package struct ReceivedReply: Sendable {
    package var parameters: JSONValue
    package var continues: Bool

    /// - Throws: the error that the reply carries, or `.badReply`.
    package init(frame: [UInt8]) throws(ControlError) {
        let value: JSONValue
        do throws(JSONFault) {
            value = try JSONReader.value(of: frame)
        } catch {
            throw ControlError(.badReply, "the reply is not JSON: \(error)")
        }
        let members = value["parameters"] ?? .object([:])
        switch value["error"] {
        case nil, .null: break
        case .string(let name): throw ControlError(varlinkName: name, parameters: members)
        case .bool, .integer, .unsigned, .number, .array, .object:
            throw ControlError(.badReply, "the reply's error is no name")
        }
        guard case .object = members else { throw ControlError(.badReply, "the reply's parameters are no object") }
        parameters = members
        switch value["continues"] {
        case nil, .null: continues = false
        case .bool(let truth): continues = truth
        case .integer, .unsigned, .number, .string, .array, .object:
            throw ControlError(.badReply, "the reply's continues is neither true nor false")
        }
    }
}
