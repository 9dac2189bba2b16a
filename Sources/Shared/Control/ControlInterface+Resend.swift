extension ControlInterface {
    /// Sessions that are delivered once more.
    static let resend = """
        # Delivers a session again: every object is read, and one that is not whole is put again where another copy is; then a
        # new manifest. Where nothing can be read back objects are put once more. Harmless, however often. A session of which it is not known what stores have of it goes on with that, too.
        # With `redact` today's rules are applied to what was delivered: of the session, or of all when none is named. New objects first,
        # a manifest that names them, then the old ones are deleted in every destination that can delete. Answers when that is done
        # wherever it can be now; with `more` it says meanwhile how far it is. What is not done then is done later, by itself.
        method Resend(
          sid: ?string,
          # Not with `redact`: there it is every destination.
          destination: ?string,
          redact: ?bool
        ) -> (
          sessions: int,
          # Objects that were put again, or made anew.
          segments: int,
          # Objects that stay as they are.
          unchanged: int,
          # Destinations that are worked on; in the last reply none.
          waiting_for: []string,
          # Where something is left to be done, and why.
          left: []Leftover,
          # What could not be read, a sentence each.
          failed: []string
        )

        """
}
