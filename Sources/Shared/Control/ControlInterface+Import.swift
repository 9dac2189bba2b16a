extension ControlInterface {
    /// What another program has kept.
    static let imports = """
        # taken: what was not known here of it is durable here now. private: nothing of the session is taken. watched: it has a file of its
        # own below a watched root, and is taken from that.
        type ImportOutcome (taken, private, watched)

        # Takes a session's lines, all that there are of them, from the file that comes open with the call (SCM_RIGHTS). `path` is only
        # what it is called: by that, and by its content, it is known when it comes again, and then only what is new is taken.
        method ImportSession(
          sid: string,
          agent: string,
          path: string
        ) -> (
          outcome: ImportOutcome,
          # That were not known here before.
          lines: int,
          # Why it was not taken to its end, a sentence each.
          not_taken: []string
        )

        """
}
