import Glibc

/// A reader, given bytes that nobody vouches for. It may refuse them; it may not crash, hang, or break what it promises.
typealias Reader = @Sendable (UnsafeRawBufferPointer) -> Void

/// The readers by the names of their folders in Tests/Fuzz/seeds; `UPLOADER_FUZZ` says which one runs.
enum Fuzz {
    static let readers: [String: Reader] = [
        "call": ControlReaders.call, "reply": ControlReaders.reply, "terminal": ControlReaders.terminal,
        "configuration": DocumentReaders.configuration, "manifest": DocumentReaders.manifest,
        "spool-header": DocumentReaders.spoolHeader, "lines": LineReaders.split, "line": LineReaders.look,
        "object": LineReaders.object, "redaction": RedactionReaders.line, "queue": HookReaders.queue,
        "hook": HookReaders.payload, "settings": HookReaders.settings,
        "age": AgeReaders.file,
    ]

    static let chosen: Reader = {
        let name = getenv("UPLOADER_FUZZ").map { String(cString: $0) } ?? ""
        guard let reader = readers[name] else { fatalError("UPLOADER_FUZZ=\(name): there is no such reader") }
        return reader
    }()
}

/// Once, before the first input: what a reader needs takes its time then, and not as an input that is slow.
@_cdecl("LLVMFuzzerInitialize")
public func fuzzInitialize(_ count: UnsafeMutablePointer<CInt>, _ words: UnsafeMutableRawPointer) -> CInt {
    Fuzz.chosen(UnsafeRawBufferPointer(start: nil, count: 0))
    return 0
}

/// What libFuzzer calls (llvm.org/docs/LibFuzzer.html, "Fuzz Target"). The program's `main` is libFuzzer's.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    Fuzz.chosen(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}
