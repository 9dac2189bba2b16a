/// One line as the agent wrote it: untrusted bytes, and where they begin.
///
/// `bytes` points into the reader's buffer and is valid only during the call that it is given to. It goes to `Redactor`
/// and nowhere else.
package struct RawLine {
    /// With its `"\n"`, if the source has one.
    package let bytes: UnsafeRawBufferPointer
    /// Of the first byte, in the source file.
    package let offset: Int64
    /// False for the last line of a source that does not end in `"\n"`.
    package let terminated: Bool

    package init(bytes: UnsafeRawBufferPointer, offset: Int64, terminated: Bool) {
        self.bytes = bytes
        self.offset = offset
        self.terminated = terminated
    }
}
