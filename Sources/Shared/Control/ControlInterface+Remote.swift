extension ControlInterface {
    /// What the stores have, of all machines.
    static let remote = """
        # As Session, and where it is. `lines`, `bytes` and `safe_lines` are what the manifests there list, of all its writers; nothing of it
        # is at risk, and nothing is known of what keeps it back.
        type RemoteSession (
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
          streams: []string,
          lines: int,
          bytes: int,
          safe_lines: int,
          private: bool,
          standing: Standing,
          at_risk: bool,
          destination: string,
          # How many have written it.
          writers: int
        )

        # What the stores have, of all machines: of one destination, or of each that can be read. Only with `more`; ordered by
        # destination, then by sid as it is in names. What did not change since it was asked last is not read again.
        method ListRemoteSessions(
          destination: ?string,
          agent: ?string,
          since: ?string
        ) -> (
          sessions: []RemoteSession,
          # What could not be read, a sentence each: damaged manifests, destinations that do not answer or cannot be listed.
          unread: []string
        )

        """
}
