import CLinux

/// What kind of file system a file lies on: statfs(2).
package enum FileSystemKind {
    /// Those whose files others may change without this kernel's knowing: inotify(7) tells nothing of that. Word for
    /// word linux/magic.h and the file systems' own sources.
    private static let remote: [Int: String] = [
        0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB", 0x6573_5546: "FUSE", 0x0102_1997: "9p",
        0x00C3_6400: "Ceph", 0x5346_414F: "AFS", 0x6B41_4653: "AFS", 0x7375_7245: "Coda", 0x564C: "NCP",
        0x0116_1970: "GFS2", 0x7461_636F: "OCFS2", 0x0BD0_0BD0: "Lustre", 0x4750_4653: "GPFS", 0xAAD7_AAEA: "PanFS",
        0x2003_0528: "OrangeFS", 0x786F_4256: "VirtualBox shared folders", 0xBACB_ACBC: "VMware shared folders",
    ]

    /// The name of the kind, where files can change from elsewhere; `nil` for all others.
    package static func remote(_ descriptor: borrowing Descriptor) throws(SystemError) -> String? {
        let type = clinux_file_system(descriptor.number)
        guard type >= 0 else { throw SystemError("fstatfs", code: Int32(-type)) }
        return remote[type]
    }
}
