import Glibc

/// Secrets on the command line are seen by every user of the machine, in ps(1): so they are copied, then overwritten.
package enum ArgumentSecrets {
    /// Overwrites the values of `--supabase-key` with `x`, in the process's own arguments.
    ///
    /// To be called once the arguments are copied, before a second thread runs.
    ///
    /// - Parameter arguments: `CommandLine.unsafeArgv`, `count` of them, the program's name first.
    /// - Returns: whether there was one: then a warning is due.
    @discardableResult
    package static func overwrite(
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, count: Int
    ) -> Bool {
        let flag = CommandLineFlag.supabaseKey.rawValue
        var found = false
        var index = 1
        while index < count {
            defer { index += 1 }
            guard let argument = arguments[index] else { continue }
            if strcmp(argument, flag) == 0 {
                index += 1
                if index < count, let value = arguments[index] {
                    memset(value, Int32(UInt8(ascii: "x")), strlen(value))
                    found = true
                }
            } else if strncmp(argument, flag + "=", flag.utf8.count + 1) == 0 {
                let value = argument + flag.utf8.count + 1
                memset(value, Int32(UInt8(ascii: "x")), strlen(value))
                found = true
            }
        }
        return found
    }
}
