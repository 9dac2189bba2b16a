import CExpat
import Shared

/// An answer in XML as a tree, names without their namespace's prefix. It comes from the far end, so it is bounded: in size
/// by the answer's limit, in depth here, and a DTD, which could define entities, ends it.
struct XMLElement: Sendable {
    var name: String
    /// All text directly in it.
    var text = ""
    var children: [XMLElement] = []

    static let deepest = 128

    /// - Returns: `nil` unless the bytes are one well-formed document that keeps these bounds.
    static func document(_ bytes: [UInt8]) -> XMLElement? {
        guard bytes.count <= Int(Int32.max), let parser = XML_ParserCreate(nil) else { return nil }
        defer { XML_ParserFree(parser) }
        let growing = GrowingTree(parser)
        XML_SetUserData(parser, Unmanaged.passUnretained(growing).toOpaque())
        XML_SetElementHandler(parser, GrowingTree.begin, GrowingTree.end)
        XML_SetCharacterDataHandler(parser, GrowingTree.text)
        XML_SetStartDoctypeDeclHandler(parser, GrowingTree.refuseDTD)
        let status = bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { XML_Parse(parser, $0.baseAddress, Int32($0.count), 1) }
        }
        return withExtendedLifetime(growing) { status == XML_STATUS_OK ? growing.root : nil }
    }

    /// The text of the first child of that name.
    subscript(_ name: String) -> String? { children.first { $0.name == name }?.text }

    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// What expat tells, put together. Only alive during `document`.
private final class GrowingTree {
    private let parser: XML_Parser
    private(set) var root: XMLElement?
    private var open: [XMLElement] = []

    init(_ parser: XML_Parser) { self.parser = parser }

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> GrowingTree {
        guard let pointer else { preconditionFailure("expat gives back what it was given") }
        return Unmanaged<GrowingTree>.fromOpaque(pointer).takeUnretainedValue()
    }

    static let begin: XML_StartElementHandler = { user, name, _ in
        let tree = GrowingTree.of(user)
        guard tree.open.count < XMLElement.deepest, let name else {
            XML_StopParser(tree.parser, XML_Bool(XML_FALSE))
            return
        }
        let full = String(cString: name)
        tree.open.append(XMLElement(name: full.split(separator: ":").last.map(String.init) ?? full))
    }

    static let end: XML_EndElementHandler = { user, _ in
        let tree = GrowingTree.of(user)
        guard let closed = tree.open.popLast() else { return }
        if tree.open.isEmpty {
            tree.root = closed
        } else {
            tree.open[tree.open.count - 1].children.append(closed)
        }
    }

    static let text: XML_CharacterDataHandler = { user, bytes, count in
        let tree = GrowingTree.of(user)
        guard !tree.open.isEmpty, let bytes else { return }
        let piece = UnsafeRawBufferPointer(start: bytes, count: Int(count))
        tree.open[tree.open.count - 1].text += String(decoding: piece, as: UTF8.self)
    }

    static let refuseDTD: XML_StartDoctypeDeclHandler = { user, _, _, _, _ in
        XML_StopParser(GrowingTree.of(user).parser, XML_Bool(XML_FALSE))
    }
}
