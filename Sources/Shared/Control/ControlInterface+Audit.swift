extension ControlInterface {
    /// What became of sessions.
    static let audit = """
        # sent: the store confirmed it. resent: the same, of an object that takes the place of others there. redacted: removed from
        # lines. withheld: lines that stayed here. skipped: nothing of the session is taken or sent. failed: attempts that are made
        # again. refused: attempts that the store will not take as they are. interrupted: attempts of which nobody knows how they
        # ended; they are made again. deleted: taken out of the store.
        type AuditOutcome (sent, resent, redacted, withheld, skipped, failed, refused, interrupted, deleted)

        # All that is alike of one session. `times` counts objects, secrets, lines or attempts; `lines` and `bytes` are those of objects
        # that were sent. `reason`: a secret's type, what keeps the session here, an error's code.
        type AuditEntry (
          sid: string,
          # Without it: here.
          destination: ?string,
          outcome: AuditOutcome,
          reason: string,
          first_at: string,
          at: string,
          times: int,
          lines: int,
          bytes: int,
          # Of the session's file.
          path: ?string
        )

        # What a destination said no to. The last 10,000 are kept.
        type AuditRefusal (
          sid: string,
          destination: string,
          code: string,
          message: string,
          at: string,
          times: int
        )

        # What was sent, skipped, refused, redacted and deleted, ordered by sid. With `more` all pages come; without it one, and `next`
        # is given as `after` to get the one that follows. `since`: only what happened since then, too.
        method Audit(
          since: ?string,
          destination: ?string,
          sid: ?string,
          after: ?string
        ) -> (
          entries: []AuditEntry,
          refusals: []AuditRefusal,
          next: ?string
        )

        """
}
