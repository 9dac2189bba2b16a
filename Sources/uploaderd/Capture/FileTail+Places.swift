package import Digests
import LinuxSystem
import Shared

/// Where a source's file is: at its path, compressed beside it, or kept open and nowhere.
extension FileTail {
    struct Place: ~Copyable {
        let descriptor: Descriptor
        var isPacked = false
        var isOpen = false

        func opened() throws(SystemError) -> Descriptor {
            isOpen ? try descriptor.duplicate() : try descriptor.reopened([.readOnly, .nonBlocking])
        }
    }

    /// The plain file wins where both are there.
    static func place(
        of path: SourcePath, below root: RootDirectory?, or passed: PassedSource?
    ) throws(SystemError) -> Place {
        guard let root else {
            guard let passed else { preconditionFailure("a source lies below a root or came open") }
            return Place(descriptor: try passed.file.duplicate(), isOpen: true)
        }
        do throws(SystemError) {
            return Place(
                descriptor: try Descriptor.open(beneath: root.descriptor, path.relativePath, [.pathOnly]))
        } catch {
            guard error.isNotFound, path.agent.packsSources else { throw error }
            return try packedPlace(of: path, below: root)
        }
    }

    static func packedPlace(of path: SourcePath, below root: RootDirectory) throws(SystemError) -> Place {
        let packed = path.relativePath + PackedFile.suffix
        return Place(descriptor: try Descriptor.open(beneath: root.descriptor, packed, [.pathOnly]), isPacked: true)
    }

    /// A file that was kept open: it is read to its end once more, whatever has its path.
    package init(_ kept: KeptSource, key: MachineKey) throws(CaptureError) {
        do throws(SystemError) {
            let opened = try kept.file.duplicate()
            packed = kept.isPacked ? try PackedFile(try opened.duplicate()) : nil
            file = opened
        } catch {
            throw CaptureError("open", kept.path.absolute, error)
        }
        path = kept.path
        identity = kept.identity
        root = kept.root
        self.key = key
        keptEnd = kept.end
    }

    /// Keeps the file open, to be read on if it is found under no other path.
    package func kept() throws(CaptureError) -> KeptSource {
        do throws(SystemError) {
            return KeptSource(
                try file.duplicate(), of: path, below: root, identity: identity, isPacked: isPacked, end: offset)
        } catch {
            throw CaptureError("keep", path.absolute, error)
        }
    }

    /// The compressed file beside this plain one, by whose bytes its own may be known.
    ///
    /// - Returns: `nil` where there is none that can be opened.
    package func packedBeside() -> FileTail? {
        guard let root, !isPacked, path.agent.packsSources else { return nil }
        do throws(CaptureError) {
            return try FileTail(path, below: root, key: key) { () throws(SystemError) in
                try Self.packedPlace(of: path, below: root)
            }
        } catch {
            // Safe: the plain file counts as what it is by itself.
            return nil
        }
    }

    /// Whether the open file has a name; of two that lie beside each other, `observe` says so of the plain one only.
    package func hasName() throws(CaptureError) -> Bool {
        do throws(SystemError) {
            return try file.status().links > 0
        } catch {
            throw CaptureError("look at", path.absolute, error)
        }
    }
}
