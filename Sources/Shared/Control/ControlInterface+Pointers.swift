extension ControlInterface {
    /// What codetether's pointers lead to.
    static let pointers = """
        # Bytes of an object: from `byte_range`'s first number on, up to before its second; all where there is none.
        type Pointer (
          # Of a destination: the bucket's name; of a directory the destination's own.
          bucket: string,
          # <prefix><sid>/history.jsonl
          key: string,
          byte_range: ?[]int
        )

        # What a pointer leads to: a range of a session's history object, or where a session is stored only as segments what would
        # be there. A range is cut off at the end. NoMatch: the range is empty or begins behind the end, or there is no such object
        # and no such session. BackendError: it could not be read; never an empty answer instead.
        #
        # With `more`: chunks of at most 128 KiB; the last reply has no chunk, but their sum. With the writing end of a pipe passed
        # along (SCM_RIGHTS) the bytes go there, and `more` is not needed.
        method Resolve(pointer: Pointer) -> (
          # Of the chunk, in the object.
          offset: ?int,
          data_base64: ?string,
          total_bytes: ?int
        )

        """
}
