/// The interface that the daemon serves, as text: docs/io.uploaderd.Control.varlink, word for word (a test holds both equal).
package enum ControlInterface {
    package static let name = "io.uploaderd.Control"
    package static let serviceName = "org.varlink.service"

    package static let text = [
        head, types, privacy, methods, pointers, links, audit, remote, imports, resend, delivery,
    ].joined(
        separator: "\n")

    private static let head = """
        # What a running uploaderd is asked and told: the safety of agents' sessions, and their lines back.
        #
        # Times are RFC 3339 in UTC. Sizes and offsets are bytes, of a session's text after redaction unless said otherwise.
        # Line numbers count from 1 in their generation. Calls on one connection are answered in the order they came.
        interface io.uploaderd.Control

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
