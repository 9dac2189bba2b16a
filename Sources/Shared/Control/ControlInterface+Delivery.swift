extension ControlInterface {
    /// What somebody says about delivery, and what a destination refuses.
    static let delivery = """
        # Bytes a second that may be sent there; without a destination to all together, without a limit as fast as it goes.
        type Limit (
          destination: ?string,
          limit: ?int
        )

        # A segment that a destination will never take as it is. It is in the spool, and not delivered there.
        type QuarantinedSegment (
          id: int,
          destination: string,
          sid: string,
          stream: string,
          generation: int,
          seq: int,
          first_line: int,
          lines: int,
          # Of the object.
          bytes: int,
          reason: string,
          hint: ?string,
          since: string
        )

        # Nothing more is put there until somebody resumes it, also after a restart; what is under way ends. Without a destination: all.
        method Pause(destination: ?string) -> (
          # Those that were not, and all that are.
          changed: []string,
          paused: []string
        )

        method Resume(destination: ?string) -> (
          changed: []string,
          paused: []string
        )

        # Sets a limit, such as "2MiB/s" or "off", until the service starts again (of a destination: until the next reload, too);
        # without a rate nothing is changed. Answers with the limits in force. A directory has none.
        method SetLimit(rate: ?string, destination: ?string) -> (limits: []Limit)

        # In the order in which they were put aside. With `more` all pages come; without it one, and `next` is given as `after`.
        method ListQuarantine(sid: ?string, destination: ?string, after: ?int) -> (
          segments: []QuarantinedSegment,
          next: ?int
        )

        # They are put again: the one with the id, those of the session, of the destination, or all.
        method RetryQuarantine(id: ?int, sid: ?string, destination: ?string) -> (segments: int)

        # The destination is not to have them: for good. What no other destination has, or is to have, is gone with that.
        method DropQuarantine(id: ?int, sid: ?string, destination: ?string) -> (segments: int)

        """
}
