import LinuxSystem

extension FileTail {
    /// Whether the file was placed by `uploaderctl restore`, and nobody has written to it since. The very file that is open is
    /// asked: its path may lead elsewhere by now.
    package var isRestored: Bool {
        get throws(CaptureError) {
            // One that came open was named by somebody who wants it taken; a compressed one is never restored.
            guard root != nil, !isPacked else { return false }
            do throws(SystemError) {
                return try RestoredMark.holds(on: file)
            } catch {
                throw CaptureError("look at", path.absolute, error)
            }
        }
    }
}
