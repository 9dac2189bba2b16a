/// The interface that the daemon serves, as text: docs/io.uploaderd.Control.varlink, word for word (a test holds both equal).
package enum ControlInterface {
    package static let name = "io.uploaderd.Control"
    package static let serviceName = "org.varlink.service"

    package static let text = """
        # What a running uploaderd is asked and told: the safety of agents' sessions, and their lines back.
        #
        # Times are RFC 3339 in UTC. Sizes and offsets are bytes, of a session's text after redaction unless said otherwise.
        # Line numbers count from 1 in their generation. Calls on one connection are answered in the order they came.
        interface io.uploaderd.Control

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
        type DestinationState (idle, delivering, retrying, held)

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
          store_id: ?string
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
          # The first lines of the main stream's last generation that every required destination has.
          safe_lines: int,
          private: bool,
          # Something of it is in no required destination.
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
        # MISSING: neither here nor there. DAMAGED: there, but not the bytes that were stored.
        type RangeState (FOUND, QUEUED, UPLOADING, DELAYED, MISSING, DAMAGED)

        type VerifiedRange (
          sid: string,
          stream: string,
          generation: int,
          first_line: int,
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
          # Objects whose bytes were read back and compared.
          read_back: int
        )

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
        # joined. `follow` goes on as lines come, of this daemon's own.
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
          total_bytes: ?int
        )

        # Whether every line is where it should be, of one session or of all. `deep` reads objects back; `sample`, as in
        # "1/10", a part of them. With `more` the ranges come in pages, and `summary` in the last reply; without it `ranges`
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
          # The required destinations that are held or retrying, so that waiting longer would not help.
          held: []string
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

    /// varlink.org/Service, word for word.
    package static let serviceText = """
        # The Varlink Service Interface is provided by every varlink service. It
        # describes the service and the interfaces it implements.
        interface org.varlink.service

        # Get a list of all the interfaces a service provides and information
        # about the implementation.
        method GetInfo() -> (
          vendor: string,
          product: string,
          version: string,
          url: string,
          interfaces: []string
        )

        # Get the description of an interface that is implemented by this service.
        method GetInterfaceDescription(interface: string) -> (description: string)

        # The requested interface was not found.
        error InterfaceNotFound (interface: string)

        # The requested method was not found
        error MethodNotFound (method: string)

        # The interface defines the requested method, but the service does not
        # implement it.
        error MethodNotImplemented (method: string)

        # One of the passed parameters is invalid.
        error InvalidParameter (parameter: string)

        # Client is denied access
        error PermissionDenied ()

        # Method is expected to be called with 'more' set to true, but wasn't
        error ExpectedMore ()

        """
}
