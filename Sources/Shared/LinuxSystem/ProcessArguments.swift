import CLinux

/// What this program was called with.
package enum ProcessArguments {
    /// Without the program's name.
    ///
    /// `CommandLine` of a static program reads /proc/self/cmdline, which may not be there, and takes a descriptor, of which there
    /// may be none: a hook that does not know that it is one would not end with 0.
    package static var all: [String] {
        var found: [String] = []
        while let word = clinux_argument(Int32(found.count)) { found.append(String(cString: word)) }
        return Array(found.dropFirst())
    }
}
