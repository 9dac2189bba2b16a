extension ControlInterface {
    /// What calls and replies are made of.
    static let types = """
        # One thing that is not as it should be. `kind` and `subject` together name it.
        type HealthEntry (
          kind: string,
          subject: string,
          message: string,
          hint: ?string,
          since: string
        )

        # `rules` is a digest of the rules in force, or "none".
        type Redaction (
          rules: string
        )

        # retrying: the last attempt failed for a reason that passes. held: waits for somebody (credentials, another store).
        # paused: somebody said so.
        type DestinationState (idle, delivering, retrying, held, paused)

        type Destination (
          name: string,
          type: string,
          state: DestinationState,
          # A segment stays in the spool until every required destination has it.
          required: bool,
          # Segments that are not there yet, and their stored bytes.
          queued: int,
          queued_bytes: int,
          # The age of the oldest line that was seen and is not there yet.
          oldest_unsafe_seconds: ?int,
          last_error: ?string,
          store_id: ?string,
          # Bytes a second that it may be sent.
          limit: ?int
        )

        # live: being written now. unresolved: their cursor could not be rebuilt after the catalog was lost.
        type SessionCounts (
          live: int,
          known: int,
          unresolved: int
        )

        # waiting: the directory does not exist yet. polled: changes there are not all announced.
        type RootState (watching, scanning, waiting, polled, unreadable)

        type Root (
          agent: string,
          root: string,
          state: RootState
        )

        type Watching (
          roots: []Root
        )

        # Reading waits while `bytes` is at `max_bytes`.
        type Spool (
          bytes: int,
          max_bytes: int
        )

        # Per second, over the last ten seconds or so.
        type Rates (
          lines: float,
          bytes_read: float,
          bytes_delivered: float
        )

        # What was already there when the service first saw it. Bytes of the sources.
        type Backfill (
          bytes_total: int,
          bytes_done: int
        )

        # What was odd about sources, since the start or the last reload. All of it was kept. generations: sources that no longer
        # held what was taken of them, and were begun anew. withheld_lines: replaced by a line that says so.
        type Noticed (
          generations: int,
          withheld_lines: int,
          anomalies: object
        )

        # The same keys as `session` in a manifest, and what is known here besides.
        type Session (
          sid: string,
          agent: ?string,
          agent_version: ?string,
          cwd: ?string,
          cwds: ?[]string,
          git: ?object,
          branches: ?[]string,
          title: ?string,
          first_user_message: ?string,
          summary: ?string,
          model: ?string,
          models: ?[]string,
          started_at: ?string,
          last_at: ?string,
          ended_at: ?string,
          end_reason: ?string,
          parent_sid: ?string,
          links: ?[]object,
          host: ?string,
          machine: ?string,
          user: ?string,
          source_path: ?string,
          # Names: "main", "agents/…".
          streams: []string,
          lines: int,
          bytes: int,
          # The first lines of the main stream's last generation that every required destination has; of a session without a
          # main stream, those of each of its streams.
          safe_lines: int,
          # Nothing more of it leaves this machine: it is not open.
          private: bool,
          standing: Standing,
          # Something of it is not in every required destination, and is to be.
          at_risk: bool
        )

        type Generation (
          generation: int,
          lines: int,
          bytes: int,
          safe_lines: int,
          segments: int,
          # How far the source was read, in bytes of the source.
          source_offset: int
        )

        type Stream (
          stream: string,
          kind: string,
          agent_id: ?string,
          source_path: ?string,
          generations: []Generation
        )

        type Delivery (
          destination: string,
          at: string
        )

        # spooled: still in the spool here. retired: only in the stores. superseded: replaced by another segment.
        type SegmentState (spooled, retired, superseded, missing)

        type Segment (
          stream: string,
          generation: int,
          seq: int,
          first_line: int,
          lines: int,
          bytes: int,
          stored_bytes: int,
          # Of the uncompressed bytes: "sha256:…".
          checksum: string,
          # The object's path below the session's folder.
          path: string,
          cut: string,
          partial: bool,
          state: SegmentState,
          deliveries: []Delivery
        )

        # A point at which the agent compacted its context. `line` is the compacted line itself.
        type Checkpoint (
          id: string,
          stream: string,
          generation: int,
          seq: int,
          line: int,
          at: string,
          label: ?string,
          git: ?string,
          branch: ?string
        )

        # Who has put something of a session in the stores. `continues_line` counts in the main stream of the writer `continues`.
        type Writer (
          writer: string,
          ours: bool,
          destinations: []string,
          lines: int,
          host: ?string,
          continues: ?string,
          continues_line: ?int
        )

        # From `first` through `last`; without `last` to the end.
        type LineRange (
          first: int,
          last: ?int
        )

        # QUEUED: durable here, not there yet. DELAYED: the same, and the destination is retrying or held.
        # MISSING: neither here nor there, or the manifest there is gone. DAMAGED: there, but not the bytes that
        # were stored, or the manifest is not the one that was put. PRIVATE: not there, and nothing of the session leaves.
        type RangeState (FOUND, QUEUED, UPLOADING, DELAYED, MISSING, DAMAGED, PRIVATE)

        type VerifiedRange (
          sid: string,
          stream: string,
          generation: int,
          first_line: int,
          # 0: a manifest that cannot be read, so how many it lists nobody knows.
          lines: int,
          destination: string,
          state: RangeState,
          detail: ?string,
          # Another writer than this daemon, whose objects these are.
          writer: ?string
        )

        # Ranges by their state. The answer is good when `missing` and `damaged` are 0.
        type VerifySummary (
          sessions: int,
          ranges: int,
          found: int,
          queued: int,
          uploading: int,
          delayed: int,
          missing: int,
          damaged: int,
          private: int,
          # Objects whose bytes were read back and compared.
          read_back: int
        )

        # start, prompt, turn, end: what the agent did. queued: there is such a session, and no more is known.
        type CapturedKind (start, prompt, turn, end, queued)

        # What an agent's hook tells of a session: docs/formats.md, "The hooks' queue". `pid`, `pid_started` and `boot` name the
        # agent's process; the three come together.
        type CapturedEvent (
          kind: CapturedKind,
          agent: string,
          sid: string,
          at: string,
          path: ?string,
          reason: ?string,
          pid: ?int,
          pid_started: ?int,
          boot: ?string,
          payload: ?object
        )

        # Without `sid` the path names it.
        type QueuedSession (
          sid: ?string,
          path: string
        )

        # queue, failed: to be taken. uploaded: sent to where the other program sends.
        type QueueOrigin (queue, failed, uploaded)

        # `origin` says where it stands: "FILE:LINE", a flag, an environment variable.
        type Problem (
          origin: string,
          file: ?string,
          line: ?int,
          key: string,
          message: string,
          hint: ?string
        )

        # `origin` says where the value comes from: "default", a file with its line, an environment variable, a flag.
        type Setting (
          key: string,
          value: string,
          origin: string
        )

        """
}
