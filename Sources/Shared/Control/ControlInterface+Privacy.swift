extension ControlInterface {
    /// Sessions of which nothing is to leave.
    static let privacy = """
        # open: what is new is taken and delivered. private: nothing more of it leaves until somebody opens it again.
        # excluded: a rule of the configuration keeps it here. undecided: what the rules ask for is not known of it.
        # forgotten: what was put is deleted, and nothing is put again; for good.
        type Standing (open, private, excluded, undecided, forgotten)

        type PrivateSession (
          sid: string,
          standing: Standing,
          since: string
        )

        # Something of a forgotten session that is not deleted. `will_go`: it is deleted when the destination is back.
        type Leftover (
          destination: string,
          reason: string,
          will_go: bool
        )

        # Nothing more of the session leaves, also of one that nobody has heard of yet. Answers when nothing of it is on its way any
        # more; with `more` it says meanwhile what is waited for. What is under way when the caller goes away is not stopped by that, and
        # the session is private all the same. What was put stays where it is.
        method AddPrivate(sid: string) -> (
          # It was open.
          changed: bool,
          # Destinations to which something is on its way; in the last reply none.
          waiting_for: []string
        )

        # The session is open again: what waits in the spool is delivered, and its files are read on.
        method RemovePrivate(sid: string) -> (changed: bool)

        # The sessions that are not open, ordered by sid. With `more` all pages come; without it one, and `next` is given as `after`.
        method ListPrivate(after: ?string) -> (
          sessions: []PrivateSession,
          next: ?string
        )

        # Deletes what was delivered of the session, of every writer, and everything that is here of it but its file; nothing of it is
        # ever put again, by any machine. Answers when that is done wherever it can be now; with `more` it says meanwhile how far it is.
        # What cannot be reached is deleted later, by itself. For good.
        method Forget(sid: string) -> (
          # Destinations that have nothing of it but the tombstone.
          deleted: []string,
          # Those that are worked on; in the last reply none.
          waiting_for: []string,
          # Where something is left, and why.
          left: []Leftover
        )

        """
}
