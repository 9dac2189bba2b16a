import Shared

/// What comes over the control socket, to the daemon and to the tool, and what the tool shows of it.
enum ControlReaders {
    /// A peer's bytes, in pieces: the first byte says how long they are.
    static func call(_ bytes: UnsafeRawBufferPointer) {
        var framing = VarlinkFraming(limit: 4096)
        let piece = max(1, Int(bytes.first ?? 1))
        var from = min(1, bytes.count)
        while from < bytes.count {
            let to = min(bytes.count, from + piece)
            framing.append(UnsafeRawBufferPointer(rebasing: bytes[from..<to]))
            from = to
            do {
                while let frame = try framing.next() { understand(frame) }
            } catch {
                precondition(framing.held > 0, "a frame that is too long is there")
                return
            }
        }
    }

    private static func understand(_ frame: [UInt8]) {
        do throws(ControlError) {
            let request = try ControlRequest(VarlinkCall(frame: frame))
            // What was understood can be said again, and is understood as the same.
            guard let text = try? request.call().text() else { preconditionFailure("\(request) cannot be said") }
            let again = try ControlRequest(VarlinkCall(frame: text))
            precondition(again == request, "\(request) became \(again)")
        } catch {
            precondition(!error.message.isEmpty)
        }
    }

    static func reply(_ bytes: UnsafeRawBufferPointer) {
        do throws(ControlError) {
            _ = try ReceivedReply(frame: Array(bytes))
        } catch {
            precondition(!error.message.isEmpty)
        }
    }

    /// What is shown holds no control character, however it came in pieces.
    static func terminal(_ bytes: UnsafeRawBufferPointer) {
        var whole = TerminalEscaper()
        let shown = whole.escaped(bytes) + whole.end()
        let text = String(decoding: shown, as: UTF8.self)
        precondition(text.utf8.elementsEqual(shown), "what is shown is no text")
        precondition(!text.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
        var halves = TerminalEscaper()
        let middle = bytes.count / 2
        let first = halves.escaped(UnsafeRawBufferPointer(rebasing: bytes[..<middle]))
        let second = halves.escaped(UnsafeRawBufferPointer(rebasing: bytes[middle...]))
        precondition(first + second + halves.end() == shown, "pieces are shown otherwise than the whole")
    }
}
