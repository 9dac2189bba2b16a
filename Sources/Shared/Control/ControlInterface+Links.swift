extension ControlInterface {
    /// What belongs to a session and is not in its lines.
    static let links = """
        # Keeps the address of a page with the session: in its manifests, and at destinations that know of such things. Durable when it
        # answers. One with the same address has its title replaced.
        method AddLink(sid: string, url: string, title: ?string) -> (
          # It was not there, or had another title.
          changed: bool
        )

        """
}
