package import LinuxSystem

extension FileTail {
    /// Whether the file was placed by `uploaderctl restore`, and whether somebody has written to it since. The very file that is
    /// open is asked: its path may lead elsewhere by now.
    package var restored: RestoredMark.State {
        get throws(CaptureError) {
            // One that came open was named by somebody who wants it taken; a compressed one is never restored.
            guard root != nil, !isPacked else { return .none }
            do throws(SystemError) {
                return try RestoredMark.state(of: file)
            } catch {
                throw CaptureError("look at", path.absolute, error)
            }
        }
    }
}
