extension ControlInterface {
    /// What can be asked, and the errors that answer instead.
    static let methods = """
        # How it stands. With `more`: now, and again whenever something changed, at most twice a second.
        method GetStatus() -> (
          version: string,
          pid: int,
          started_at: string,
          uptime_seconds: int,
          # Empty: healthy.
          health: []HealthEntry,
          redaction: Redaction,
          destinations: []Destination,
          sessions: SessionCounts,
          watching: Watching,
          spool: Spool,
          rates: Rates,
          backfill: ?Backfill,
          noticed: Noticed,
          # Where the store is, when no destination is configured.
          store_path: ?string
        )

        # What is known of sessions, ordered by sid. With `more` all pages come; without it one, and `next` is given as
        # `after` to get the one that follows. `since`: only sessions with a line since then.
        method ListSessions(
          agent: ?string,
          since: ?string,
          at_risk: ?bool,
          private: ?bool,
          after: ?string
        ) -> (
          sessions: []Session,
          next: ?string
        )

        # Everything about one session. With `more` further replies carry the segments and checkpoints that the first has no
        # room for; without it `left_out` says how many there are.
        method DescribeSession(sid: string) -> (
          session: ?Session,
          streams: []Stream,
          checkpoints: []Checkpoint,
          segments: []Segment,
          writers: []Writer,
          left_out: int
        )

        # The lines of a session, from wherever they are, in order. `to_checkpoint` is "latest" or an id. Without `stream`:
        # main. Without `generation`: the last one. `from` names a destination to read from. What several writers have put is
        # joined. `follow` goes on as lines come, of this daemon's own, and ends behind the last of `lines`.
        #
        # With `more`: chunks of at most 128 KiB; a line may span chunks. The last reply has no chunk, but the totals.
        # With the writing end of a pipe passed along (SCM_RIGHTS) the bytes go there, as they are, and `more` is optional: its
        # replies carry the totals so far, at most twice a second. A reader of the pipe sees its end before the last reply.
        method Replay(
          sid: string,
          to_checkpoint: ?string,
          lines: ?LineRange,
          stream: ?string,
          generation: ?int,
          from: ?string,
          follow: ?bool,
          max_lines: ?int
        ) -> (
          stream: ?string,
          generation: ?int,
          # Of the chunk, in the generation.
          offset: ?int,
          data_base64: ?string,
          # The chunk's last byte is a line's end.
          end_of_line: ?bool,
          total_lines: ?int,
          total_bytes: ?int,
          # What may have more lines and could not be read, a sentence each: damaged manifests of other writers.
          unread: ?[]string
        )

        # Whether every line is where it should be, of one session or of all. `deep` reads objects back. `sample`, as in
        # "1/10", looks at a part of all objects only, and reads those back: each object is in one of ten parts, always the same. With `more` the ranges come in pages, and `summary` in the last reply; without it `ranges`
        # has only those that are missing or damaged, as many as fit.
        method Verify(
          sid: ?string,
          deep: ?bool,
          sample: ?string
        ) -> (
          ranges: []VerifiedRange,
          summary: ?VerifySummary
        )

        # Seals what is open, of one session, of one file by its absolute path, or of all. A file outside the watched roots is
        # taken once if it comes open with the call (SCM_RIGHTS); a path that only a caller names is never opened. `wait`:
        # answers when all of it is in every required destination, and with `more` tells the progress.
        method Flush(
          sid: ?string,
          path: ?string,
          wait: ?bool
        ) -> (
          sealed: int,
          # Segments that are not in every required destination yet.
          queued: int,
          queued_bytes: int,
          # Files that are not taken yet, because a store that may know their session does not answer.
          unresolved: int,
          # Why other files are not taken to their end, a sentence each, at most 101: one that may not be read, a last line without its end.
          not_taken: []string,
          # The required destinations that are held or retrying, or were found not to have any more what was put there, so
          # that waiting longer would not help.
          held: []string,
          # The required destinations that are waited for; in the last reply none.
          waiting_for: []string
        )

        # A hook tells of a session. Answered when the event is durable; what follows from it is done after that.
        method Capture(event: CapturedEvent) -> ()

        # Takes over lines of another program's queue, at most 1,000 at a time.
        method ImportQueue(
          origin: QueueOrigin,
          sessions: []QueuedSession
        ) -> (
          # Below watched roots: looked at, and taken like all there.
          watched: int,
          # Elsewhere, and taken once, to their ends.
          taken: int,
          missing: int,
          # Noted as sent elsewhere.
          noted: int,
          # Why others were not taken, a sentence each, at most 101.
          not_taken: []string
        )

        # Reads the configuration again. On any error the one in force stays.
        method Reload() -> (
          file: ?string,
          changed: []string
        )

        # The configuration in force, key by key.
        method ShowConfiguration() -> (
          file: ?string,
          settings: []Setting
        )

        error NoSuchSession (message: string, hint: ?string)

        # The session is known, but has no such checkpoint, line, stream or generation; or there is no such destination.
        error NoMatch (message: string, hint: ?string)

        # A destination or the disk could not be read.
        error BackendError (message: string, hint: ?string)

        # The bytes that came are not those that were stored.
        error Damaged (message: string, hint: ?string)

        # Not now: such an operation is under way, or a limit is reached.
        error Busy (message: string, hint: ?string)

        # A rule forbids it; asking again does not help.
        error Refused (message: string, hint: ?string)

        error InvalidConfiguration (message: string, hint: ?string, problems: []Problem)

        # What came is no call of the protocol, too long, or did not end in time. The connection closes.
        error BadRequest (message: string, hint: ?string)

        """
}
